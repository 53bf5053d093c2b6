"""The demo: a season of the SAS in three départements, played on the real services and checked.

`story` writes the orders, `driver` sends them, `oracle` predicts from the recorded orders alone
what must come of them, `compare` lists where the services differ.
"""
