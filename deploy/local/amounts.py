"""Amounts, as the commands print them."""


def euros(cents: int) -> str:
    """An amount as a French reader expects it."""
    sign = "−" if cents < 0 else ""
    whole = f"{abs(cents) // 100:,}".replace(",", "\u202f")
    return f"{sign}{whole},{abs(cents) % 100:02d} €"
