"""What went wrong and when it was over, as the console saw it since it started."""

from collections.abc import Collection
from enum import StrEnum

import msgspec

KEPT = 50


class Kind(StrEnum):
    """What went wrong; each has a page in the runbook."""

    SILENT = "silent"
    NOT_READY = "not_ready"
    LATE = "late"
    DEAD_LETTERS = "dead_letters"
    INVARIANT = "invariant"


RUNBOOK = {
    Kind.SILENT: "service-gone",
    Kind.NOT_READY: "service-not-ready",
    Kind.LATE: "departement-behind",
    Kind.DEAD_LETTERS: "dead-letters",
    Kind.INVARIANT: "invariant-broken",
}


class Wrong(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is wrong now: of a service, a département or an invariant of a service."""

    kind: Kind
    service: str = ""
    departement: str = ""
    invariant: str = ""


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was wrong from an instant until another, or still is (None)."""

    wrong: Wrong
    began_at: float
    ended_at: float | None = None


def follow(
    incidents: Collection[Incident], wrong: Collection[Wrong], now: float
) -> tuple[Incident, ...]:
    """The incidents, the newest first, when this is what is wrong now.

    What is over ends now; the oldest ones that are over are forgotten.
    """
    going_on = {one.wrong for one in incidents if one.ended_at is None}
    begun = [Incident(wrong=one, began_at=now) for one in wrong if one not in going_on]
    followed = [
        msgspec.structs.replace(one, ended_at=now)
        if one.ended_at is None and one.wrong not in wrong
        else one
        for one in incidents
    ]
    found = [*sorted(begun, key=lambda one: msgspec.structs.astuple(one.wrong)), *followed]
    over = [one for one in found if one.ended_at is not None]
    forgotten = over[max(0, KEPT - (len(found) - len(over))) :]
    return tuple(one for one in found if one not in forgotten)
