"""How the gateway keeps its state: named SQL, one function a question."""
