"""How payments keeps its inputs, accounts and ledger: named SQL, one function a question."""
