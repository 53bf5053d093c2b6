"""The events that the benches put on the log: lives of demands, and figures that grow."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any

from contracts.events.indicators import FactChange, FigureChanged
from contracts.events.referrals import (
    AppointmentCancelled,
    AppointmentHonoured,
    AppointmentMissed,
    AppointmentMoved,
    DemandReceived,
    PlatformAppointmentReported,
    ReferralAccepted,
    ReferralDeclined,
    ReferralExpired,
    ReferralOffered,
    ReferralReturned,
)
from contracts.recorded import Cause, Recorded, record
from services.referrals.domain.referral import referral_id
from tests.benchmarks.cast import DEMANDS, DOCTORS, YEAR, Cpts

SOURCE = "sas-bench"
STEP = timedelta(seconds=2)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
# What becomes of twenty demands.
ENDS = (
    *("honoured",) * 9,
    *("booked",) * 3,
    *("missed", "cancelled", "declined", "expired", "moved", "returned", "platform", "platform"),
)
VIA_CPTS = "sas_medecins_participants_via_cpts"
INDICATORS = (*(DEMANDS,) * 8, DOCTORS, VIA_CPTS)

Told = list[tuple[datetime, Any]]


def lives(
    everybody: Sequence[Cpts], count: int, first: int = 0, step: timedelta = STEP
) -> list[Recorded[Any]]:
    """`count` events of demands and of the platform's appointments, in order of time; the demands
    are numbered from `first` on, and come one a `step`.
    """
    told: list[Recorded[Any]] = []
    number = first
    while len(told) < count:
        cpts = everybody[number % len(everybody)]
        at = datetime.combine(cpts.starts_on, time(8), UTC) + (number - first) * step
        told += life(number, cpts, at)
        number += 1
    return sorted(told, key=lambda one: one.occurred_at)[:count]


def life(number: int, cpts: Cpts, at: datetime) -> list[Recorded[Any]]:
    """All that is said of the demand, or the platform's appointment, of a number, from `at` on."""
    end = ENDS[number * 7 % len(ENDS)]
    if end == "platform":
        return list(_recorded(f"bench-{number}", cpts, _platform(number, cpts, at)))
    return list(_recorded(referral_id(SOURCE, str(number)), cpts, _life(number, cpts, at, end)))


def _recorded(subject: str, cpts: Cpts, told: Told) -> Iterator[Recorded[Any]]:
    for sequence, (at, event) in enumerate(told):
        yield from record(
            [event],
            subject=subject,
            after_sequence=sequence,
            departement=cpts.departement,
            occurred_at=at,
            cause=Cause(id=f"order:{subject}:{sequence}", recorded_at=at),
        )


def offered(number: int, cpts: Cpts, at: datetime) -> list[Recorded[Any]]:
    """A demand received at `at` and offered at once."""
    return list(_recorded(referral_id(SOURCE, str(number)), cpts, _offered(number, cpts, at)))


def _offered(number: int, cpts: Cpts, at: datetime) -> Told:
    known_as = referral_id(SOURCE, str(number))
    received = DemandReceived(
        referral_id=known_as,
        source=SOURCE,
        source_id=str(number),
        commune=cpts.commune,
        need="consultation_generaliste",
        urgency="within_48h",
        received_at=at,
        see_by=at + 48 * HOUR,
    )
    offer = ReferralOffered(
        referral_id=known_as, cpts_id=cpts.cpts_id, offered_at=at, answer_by=at + HOUR
    )
    return [(at, received), (at, offer)]


def _life(number: int, cpts: Cpts, at: datetime, end: str) -> Told:
    told = _offered(number, cpts, at)
    named: dict[str, Any] = {
        "referral_id": referral_id(SOURCE, str(number)),
        "cpts_id": cpts.cpts_id,
    }
    answered_at = at + 17 * MINUTE
    if end == "declined":
        event = ReferralDeclined(**named, reason="no_availability", declined_at=answered_at)
        return [*told, (answered_at, event)]
    if end == "expired":
        return [*told, (at + HOUR, ReferralExpired(**named, expired_at=at + HOUR))]
    rpps, starts_at = cpts.rpps[number % len(cpts.rpps)], at + 5 * HOUR + number % 600 * MINUTE
    accepted = ReferralAccepted(
        **named,
        appointment_id=named["referral_id"],
        practitioner_rpps=rpps,
        received_at=at,
        accepted_at=answered_at,
        starts_at=starts_at,
    )
    told.append((answered_at, accepted))
    soon, later = at + 2 * HOUR, starts_at + HOUR
    moved = AppointmentMoved(**named, practitioner_rpps=rpps, starts_at=starts_at + HOUR)
    returned = ReferralReturned(**named, reason="by_cpts", returned_at=soon)
    ends: dict[str, Told] = {
        "booked": [],
        "honoured": [(later, AppointmentHonoured(**named))],
        "missed": [(later, AppointmentMissed(**named))],
        "cancelled": [(soon, AppointmentCancelled(**named, by="patient"))],
        "moved": [(soon, moved), (later, AppointmentHonoured(**named))],
        "returned": [(soon, returned)],
    }
    return told + ends[end]


def _platform(number: int, cpts: Cpts, at: datetime) -> Told:
    def message(sent_at: datetime, status: Any) -> tuple[datetime, Any]:
        return sent_at, PlatformAppointmentReported(
            appointment_id=f"bench-{number}",
            distribution_id=f"d-{number}-{status}",
            sent_at=sent_at,
            status=status,
            created_at=at,
            starts_at=at + 3 * HOUR,
            category="CPTS",
            practitioner_rpps=cpts.rpps[number % len(cpts.rpps)],
            profession="10",
        )

    return [message(at, "booked"), message(at + 4 * HOUR, "fulfilled")]


def growing_figures(everybody: Sequence[Cpts], count: int) -> list[Recorded[Any]]:
    """`count` changes of the figures of every account, each counting one to three facts more."""
    told: list[Recorded[Any]] = []
    revisions: dict[tuple[str, str], int] = {}
    sequences: dict[tuple[str, str], int] = {}
    for number in range(count):
        cpts = everybody[number % len(everybody)]
        indicator = INDICATORS[number // len(everybody) % len(INDICATORS)]
        key = cpts.cpts_id, indicator
        before = revisions.get(key, 0)
        revisions[key] = before + 1 + number % 3
        at = datetime.combine(cpts.starts_on, time(8), UTC) + number * STEP
        told += record(
            [_figure(cpts, indicator, before, revisions[key])],
            subject=f"{cpts.cpts_id}/{indicator}/{cpts.starts_on}",
            after_sequence=sequences.get(key, 0),
            departement=cpts.departement,
            occurred_at=at,
            cause=Cause(id=f"bench:{number}", recorded_at=at),
        )
        sequences[key] = told[-1].sequence
    return told


def _figure(cpts: Cpts, indicator: str, before: int, revision: int) -> FigureChanged:
    names = [f"{cpts.cpts_id}{indicator}{one}" for one in range(before, revision)]
    return FigureChanged(
        cpts_id=cpts.cpts_id,
        indicator=indicator,
        contract_year_starts_on=cpts.starts_on,
        contract_year_ends_on=cpts.starts_on + YEAR - timedelta(days=1),
        value=revision,
        revision=revision,
        facts=tuple(
            FactChange(fact_id=f"referral:{referral_id(SOURCE, name)}", is_counted=True)
            for name in names
        ),
    )
