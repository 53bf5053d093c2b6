"""How referrals are kept: named SQL, one function a question."""
