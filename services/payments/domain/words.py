"""Days and amounts as people read them in French."""

from datetime import date

CENTS = 100
THIN, MINUS, NO_BREAK = "\u202f", "\u2212", "\u00a0"


def french_day(day: date) -> str:
    """A day as a French reader writes it."""
    return f"{day:%d/%m/%Y}"


def french_euros(amount_cents: int) -> str:
    """An amount in euros and cents."""
    whole, cents = divmod(abs(amount_cents), CENTS)
    sign = MINUS if amount_cents < 0 else ""
    return f"{sign}{grouped(whole)},{cents:02d}{NO_BREAK}€"


def grouped(number: int) -> str:
    """A number in groups of three digits."""
    return f"{number:,}".replace(",", THIN)
