"""What a SAS platform is told of an appointment (INT_R03), and what its answer means.

The profile names the regulator, the professional, when, and what became of it: no patient, no CPTS.
Where it is silent, `docs/adr/0025-appointments-are-declared-from-a-table-beside-the-log.md` says
what we chose.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from contracts.departements import departements_by_code
from contracts.events.gateway import RegulatorIdentifier
from contracts.events.referrals import ReferralAccepted
from contracts.recorded import Recorded
from services.gateway.domain import naming
from services.gateway.domain.appointments import Status, booking_of, status_of
from services.gateway.domain.resources import (
    Appointment,
    Identified,
    Meta,
    Operator,
    OurIdentifier,
    Participant,
    national,
)


class Platform(msgspec.Struct, frozen=True, kw_only=True):
    """A SAS platform: where it is, for which départements, by which certificates.

    `regulator_when_unknown` is agreed with it for appointments whose regulator we do not know: a
    CPTS accepted the demand itself. Without it these are not declared, since the profile demands a
    regulator.
    """

    name: str
    base: str
    departements: tuple[str, ...]
    authority_file: str | None = None
    certificate_file: str | None = None
    key_file: str | None = None
    regulator_when_unknown: RegulatorIdentifier | None = None


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """The present state of an appointment, in two halves (`appointments`)."""

    referral_id: str
    rpps: str | None = None
    starts_at: datetime | None = None
    booking_id: str | None = None
    booking_sequence: int = 0
    status: str | None = None
    status_sequence: int = 0


class ToDeclare(msgspec.Struct, frozen=True, kw_only=True):
    """What a platform is to hear of an appointment. `made_at`: None when it was told before."""

    appointment_id: str
    departement: str
    rpps: str
    starts_at: datetime
    status: str
    booking_id: str | None = None
    made_at: datetime | None = None


class Declared(msgspec.Struct, frozen=True, kw_only=True):
    """What a platform is told of an appointment."""

    appointment_id: str
    departement: str
    rpps: str
    starts_at: datetime
    ends_at: datetime
    status: str
    made_at: datetime | None


class Fate(StrEnum):
    """What a platform's answer means."""

    DELIVERED = "delivered"
    OTHERWISE = "otherwise"  # there already, or not there: go on by the other method
    LATER = "later"
    REFUSED = "refused"


CREATE, UPDATE = "POST", "PUT"
OTHER_METHOD = {(CREATE, 409): UPDATE, (UPDATE, 404): CREATE}
PASSING = frozenset({408, 429})


def declares(
    platforms: Iterable[Platform], departement: str | None, booking_id: str | None
) -> bool:
    """Whether a platform is to hear of an appointment: it has the département, and either the
    regulator is known (a place was booked) or it was agreed who stands for one.
    """
    return any(
        booking_id is not None or one.regulator_when_unknown is not None
        for one in platforms
        if departement in one.departements
    )


def to_declare(before: Mapping[str, Known], events: Iterable[Recorded[Any]]) -> list[ToDeclare]:
    """What these events, in their order, change of appointments as they stood before."""
    states = dict(before)
    found = []
    for one in events:
        referral_id = getattr(one.event, "referral_id", None)
        if referral_id is None:
            continue
        known = states.get(referral_id, Known(referral_id=referral_id))
        told = states[referral_id] = _after(known, one)
        if _seen(told) == _seen(known) or told.rpps is None or told.starts_at is None:
            continue
        if told.status is not None:
            found.append(
                ToDeclare(
                    appointment_id=referral_id,
                    departement=one.departement,
                    rpps=told.rpps,
                    starts_at=told.starts_at,
                    status=told.status,
                    booking_id=told.booking_id,
                    made_at=_made_at(one),
                )
            )
    return found


def _seen(known: Known) -> tuple[Any, ...]:
    """What a platform sees of an appointment."""
    return known.rpps, known.starts_at, known.status


def _made_at(one: Recorded[Any]) -> datetime | None:
    return one.event.accepted_at if isinstance(one.event, ReferralAccepted) else None


def _after(known: Known, one: Recorded[Any]) -> Known:
    """The state after an event; of each half the highest sequence is the present one."""
    booked, became = booking_of(one), status_of(one)
    if booked is not None:
        if booked.booking_id is not None:
            known = msgspec.structs.replace(known, booking_id=booked.booking_id)
        if booked.sequence > known.booking_sequence:
            known = msgspec.structs.replace(
                known,
                rpps=booked.rpps,
                starts_at=booked.starts_at,
                booking_sequence=booked.sequence,
            )
    if became is not None and became.sequence > known.status_sequence:
        known = msgspec.structs.replace(
            known, status=became.status.value, status_sequence=became.sequence
        )
    return known


def body_of(declared: Declared, regulator: RegulatorIdentifier) -> Appointment:
    """The body of a declaration, as profile FrAppointmentSAS 1.1.0 has it, in local time."""
    zone = ZoneInfo(departements_by_code()[declared.departement].time_zone)

    def local(instant: datetime) -> str:
        return instant.astimezone(zone).isoformat(timespec="seconds")

    return Appointment(
        meta=Meta(profile=(naming.APPOINTMENT_PROFILE,)),
        extension=(
            Operator(
                url=naming.OPERATOR_EXTENSION,
                value_reference=Identified(
                    identifier=national(regulator.kind, regulator.system, regulator.value)
                ),
            ),
        ),
        identifier=(OurIdentifier(system=naming.OUR_APPOINTMENTS, value=declared.appointment_id),),
        status=Status(declared.status).value,
        start=local(declared.starts_at),
        end=local(declared.ends_at),
        created=local(declared.made_at) if declared.made_at else "",
        participant=(
            Participant(
                actor=Identified(
                    identifier=national(naming.IDNPS, naming.IDNPS_SYSTEM, declared.rpps)
                ),
                status="accepted",
            ),
        ),
    )


def fate_of(method: str, status: int) -> Fate:
    """What an HTTP status means for a declaration sent by this method."""
    if 200 <= status < 300:  # noqa: PLR2004
        return Fate.DELIVERED
    if (method, status) in OTHER_METHOD:
        return Fate.OTHERWISE
    if status >= 500 or status in PASSING:  # noqa: PLR2004
        return Fate.LATER
    return Fate.REFUSED


def regulator_of(
    identifiers: Iterable[RegulatorIdentifier], when_unknown: RegulatorIdentifier | None
) -> RegulatorIdentifier | None:
    """How the regulator is named: by the national identifier if there is one."""
    by_kind = {one.kind: one for one in identifiers}
    return by_kind.get(naming.IDNPS) or by_kind.get(naming.INTRN) or when_unknown
