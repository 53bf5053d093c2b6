"""No order of membership or referrals names a day that the calendar, or the log, cannot hold."""

from datetime import date, datetime
from typing import Any, get_args, get_type_hints

import msgspec
import pytest

from services.membership.http import bodies as of_membership
from services.messaging.bodies import refuse_impossible_days
from services.referrals.http import bodies as of_referrals

DATED = [
    (body, name)
    for module in (of_membership, of_referrals)
    for body in vars(module).values()
    if isinstance(body, type) and issubclass(body, msgspec.Struct)
    for name, kind in get_type_hints(body).items()
    if {date, datetime} & {kind, *get_args(kind)}
]


class Told(msgspec.Struct):
    """A body with a day and an instant."""

    day: date | None = None
    at: datetime | None = None

    def __post_init__(self) -> None:
        """Refuse impossible days."""
        refuse_impossible_days(self)


@pytest.mark.parametrize(
    ("told", "is_refused"),
    [
        (b"{}", False),
        (b'{"day": "1970-01-01", "at": "2199-12-31T23:59:59Z"}', False),
        (b'{"day": "1969-12-31"}', True),
        (b'{"day": "2200-01-01"}', True),
        (b'{"at": "0001-01-01T00:00:00+05:00"}', True),
    ],
)
def test_days_and_instants_lie_between_1970_and_2199(told: bytes, is_refused: bool) -> None:
    if not is_refused:
        assert msgspec.json.decode(told, type=Told)
        return
    with pytest.raises(msgspec.ValidationError, match="1970 and 2199"):
        msgspec.json.decode(told, type=Told)


@pytest.mark.parametrize(
    ("body", "name"), DATED, ids=[f"{body.__name__}.{name}" for body, name in DATED]
)
def test_every_day_of_every_body_is_looked_at(body: type[Any], name: str) -> None:
    others = {field.encode_name: None for field in msgspec.structs.fields(body)}
    with pytest.raises(ValueError, match=f"`{name}` lies between"):
        body(**others | {name: datetime(1900, 1, 1)})  # noqa: DTZ001 - it is also a day


def test_orders_are_full_of_days() -> None:
    assert {("MergerOrder", "merged_on"), ("NewDemand", "received_at")} <= {
        (body.__name__, name) for body, name in DATED
    }
    assert len(DATED) > 30
