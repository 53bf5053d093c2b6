"""Appointments that the SAS platform tells about, of every category, and how they go on."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from random import Random

import msgspec

from deploy.local.demo import hub
from deploy.local.demo.cast import Cpts
from deploy.local.demo.hub import Told
from deploy.local.demo.orders import Draft

MINUTE = timedelta(minutes=1)
CATEGORIES = ("CPTS", "CPTS", "CPTS", "PS", "PS", "PS", "MSP", "CDS", "SOS", "PDM", None)
OUTCOMES = ("booked", "fulfilled", "fulfilled", "fulfilled", "noshow", "cancelled", "moved")


def platform_lives(
    random: Random, cast: Sequence[Cpts], count: int, instant: Callable[[Random], datetime]
) -> Iterator[Draft]:
    """The messages about `count` appointments of the platform's own."""
    for i in range(count):
        cpts = random.choice(cast)
        created_at = instant(random)
        at = created_at + timedelta(seconds=random.randrange(5, 200))
        category = CATEGORIES[i % len(CATEGORIES)]
        has_finess = not cpts.is_finess_late and random.random() < 0.25
        told = Told(
            appointment_id=f"sas-{i:05d}",
            created_at=created_at,
            starts_at=created_at + MINUTE * random.randrange(30, 47 * 60),
            rpps=random.choice(cpts.members).rpps if random.random() < 0.95 else None,
            category=category,
            organisation_id=cpts.finess if has_finess else None,
        )
        yield from _life(random, told, at, f"sas-{i:05d}", random.choice(OUTCOMES))


def _life(random: Random, told: Told, at: datetime, name: str, outcome: str) -> Iterator[Draft]:
    first = hub.message(told, at=at, name=f"{name}-1")
    yield first
    if random.random() < 0.1:
        yield msgspec.structs.replace(first, at=at + 5 * MINUTE)
    if outcome == "booked":
        return
    update = msgspec.structs.replace(told, method="UpdateAppointment", status=outcome)
    later = told.starts_at + 40 * MINUTE
    if outcome == "moved":
        moved_to = told.starts_at + 75 * MINUTE
        update = msgspec.structs.replace(update, status="booked", starts_at=moved_to)
        later = at + (told.starts_at - at) / 2
    elif outcome == "cancelled":
        later = at + (told.starts_at - at) / 2
    yield hub.message(update, at=later, name=f"{name}-2")
    if outcome == "fulfilled" and random.random() < 0.2:
        # What an older message says, told late, changes nothing.
        old = msgspec.structs.replace(update, status="pending")
        yield hub.message(old, at=later + MINUTE, sent_at=at + MINUTE / 2, name=f"{name}-3")
