"""Who is in the bench of slots: professionals with fifty slots each, written as the gateway writes
what it hears and says, by its own statements.

Each has five slots a day on ten working days, one in five of them at two places; one slot in ten is
booked. The agendas alternate: open to the public and professionals, or to the public and a CPTS.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from services.gateway.domain.agendas import slot_id
from services.gateway.store import agendas, appointments, bookings, membership, slots
from services.messaging.database import Connection
from tests.benchmarks.measuring import Sizes

DEPARTEMENT, COMMUNE, PARIS = "95", "95306", ZoneInfo("Europe/Paris")
NOW = datetime(2026, 3, 2, 8, tzinfo=PARIS)  # a Monday
HOURS, DAYS = (9, 11, 14, 16, 18), (0, 1, 2, 3, 4, 7, 8, 9, 10, 11)
SLOTS_OF_EACH = len(HOURS) * len(DAYS)
TWO_PLACES_EVERY, BOOKED_EVERY = 5, 10
MEMBER_OF_SINCE = date(2025, 1, 1)


class Agenda(msgspec.Struct, frozen=True, kw_only=True):
    """A professional's agenda at one place, and when its slots begin."""

    agenda_id: str
    rpps: str
    cpts_id: str
    is_of_cpts: bool
    starts: tuple[datetime, ...]


def rpps_of(number: int) -> str:
    """The number of a professional, with its prefix."""
    return f"81{number:010d}"


def cast(sizes: Sizes) -> Iterator[Agenda]:
    """The agendas of all."""
    starts = [
        (NOW + timedelta(days=day)).replace(hour=hour).astimezone(UTC)
        for day in DAYS
        for hour in HOURS
    ]
    for number in range(sizes.professionals):
        places = 2 if number % TWO_PLACES_EVERY == 0 else 1
        for place in range(places):
            yield Agenda(
                agenda_id=f"a-{number}-{place}",
                rpps=rpps_of(number),
                cpts_id=f"cpts-{number % sizes.cpts}",
                is_of_cpts=number % 2 == 0,
                starts=tuple(starts[place::places]),
            )


async def fill(connection: Connection, sizes: Sizes) -> None:
    """The database as the gateway has it after the events of all this."""
    everybody = list(cast(sizes))
    async with connection.transaction():
        await _fill_cpts(connection, sizes)
        await _fill_agendas(connection, everybody)
        await connection.executemany(slots.OPEN, [_opened(one) for one in everybody])
        await _fill_booked(connection, everybody)
    await connection.execute("vacuum analyze")


async def _fill_cpts(connection: Connection, sizes: Sizes) -> None:
    ids = [f"cpts-{number}" for number in range(sizes.cpts)]
    departements, ones = [DEPARTEMENT] * len(ids), [1] * len(ids)
    finess = [f"1{number:09d}" for number in range(len(ids))]
    await connection.execute(membership.KEEP_CPTS, ids, departements, [f"CPTS {x}" for x in ids])
    await connection.execute(membership.KEEP_FINESS, ids, departements, finess, ones)
    people = range(sizes.professionals)
    await connection.execute(
        membership.KEEP_MEMBERS,
        [ids[number % len(ids)] for number in people],
        [f"m-{number}" for number in people],
        [rpps_of(number) for number in people],
        ["10" for _ in people],
        [MEMBER_OF_SINCE for _ in people],
        [None for _ in people],
        [False for _ in people],
        [1 for _ in people],
    )


async def _fill_agendas(connection: Connection, everybody: Sequence[Agenda]) -> None:
    known = [
        (one.agenda_id, DEPARTEMENT, 1, one.cpts_id, one.rpps, "1950000001", ["SM54"], False)
        for one in everybody
    ]
    await connection.executemany(agendas.RECORD, [(*one, PARIS.key) for one in known])
    people = sorted({one.rpps for one in everybody})
    await connection.executemany(
        agendas.KEEP_PERSON, [(one, "Exemple", "Camille") for one in people]
    )
    shown = ("25 RUE DE LA MAIRIE", "Cergy", "95000", "+33102030405", "https://rdv.example.org/")
    await connection.executemany(agendas.KEEP_PLACE, [(one.agenda_id, *shown) for one in everybody])


def _opened(one: Agenda) -> tuple[Any, ...]:
    """The values of the slots of an agenda."""
    types, cpts_ids = (
        (["PUBLIC", "CPTS"], [one.cpts_id]) if one.is_of_cpts else (["PUBLIC", "PRO"], [])
    )
    ends = [start + timedelta(minutes=20) for start in one.starts]
    ids = [slot_id(one.agenda_id, start) for start in one.starts]
    offer = (types, ["AMB"], cpts_ids, 1, 0, False)
    return (one.agenda_id, ids, list(one.starts), ends, "typed", *offer)


async def _fill_booked(connection: Connection, everybody: Sequence[Agenda]) -> None:
    """Places that are held, each for a demand accepted with its appointment."""
    held = [(one, start) for one in everybody for start in one.starts][::BOOKED_EVERY]
    values = [
        (
            *(f"b-{n}", DEPARTEMENT, 1, slot_id(one.agenda_id, start), one.agenda_id),
            *(one.cpts_id, one.rpps, "regulator", start, start + timedelta(minutes=20), NOW, False),
        )
        for n, (one, start) in enumerate(held)
    ]
    await connection.executemany(bookings.HOLD, values)
    referrals = [f"r-{n}" for n in range(len(held))]
    await connection.execute(
        appointments.KEEP_BOOKINGS,
        referrals,
        [DEPARTEMENT] * len(held),
        [one.cpts_id for one, _ in held],
        [one.rpps for one, _ in held],
        [start for _, start in held],
        [1] * len(held),
    )
    await connection.execute(
        appointments.KEEP_BOOKING_IDS, referrals, [f"b-{n}" for n in range(len(held))]
    )
