"""What a contract line brings, and what an account is worth: pure rules in integer cents.

`scale` holds the rates and the words that they use; `lines` what one indicator can bring;
`accounts` what a contract year is worth, and why; `refusals` why an order is refused. A positive
amount is due by the caisse to the CPTS. A division rounds down to the cent; no text read so far
prescribes a rounding.
"""
