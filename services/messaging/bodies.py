"""What bodies of orders share: persons; days and instants that lie where the calendar is one."""

from datetime import date
from typing import Annotated

import msgspec

from contracts.days import FIRST_YEAR, LAST_YEAR, is_possible

PERSON = r"^[A-Za-z0-9._-]{1,64}\Z"
"""The id that an organisation gives to a person, opaque to everybody else."""
Person = Annotated[str, msgspec.Meta(pattern=PERSON)]


def refuse_impossible_days(body: msgspec.Struct) -> None:
    """ValueError for a day or an instant of a body, alone or in a list, before 1970 or after 2199.

    Said in its `__post_init__`, so that no rule has to add months to the last day of the calendar.
    """
    for name in body.__struct_fields__:
        value = getattr(body, name)
        days = value if isinstance(value, tuple) else (value,)
        if any(isinstance(day, date) and not is_possible(day) for day in days):
            raise ValueError(f"`{name}` lies between the years {FIRST_YEAR} and {LAST_YEAR}")
