"""What Hub messages make of the platform's appointments and of ours, in any order of arrival."""

from datetime import datetime, timedelta
from functools import reduce
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from contracts.recorded import Cause, record
from services.referrals.domain.hub_message import HubAppointment, HubMessage, HubMethod
from services.referrals.domain.hub_schema import DistributionKind, HubStatus, OrientationCategory
from services.referrals.domain.orders import Move, ReportHonoured, decide
from services.referrals.domain.platform_appointment import (
    AlreadyKnown,
    PlatformAppointment,
    Taken,
    evolve,
    rank,
    take,
)
from services.referrals.domain.referral import MESSAGE_CAUSE, Referral, Stage
from services.referrals.domain.refusal import Refusal
from tests.referrals.referral_cases import (
    NOON,
    OTHER_RPPS,
    RPPS,
    STARTS_AT,
    evolved,
    in_stage,
    table,
)

STATUSES = [*HubStatus]


def message(number: int = 1, *, sent_at: datetime = NOON, **told: Any) -> HubMessage:
    appointment: dict[str, Any] = {
        "appointment_id": "platform-1",
        "method": HubMethod.UPDATE,
        "created_at": NOON,
        "starts_at": STARTS_AT,
        "ends_at": None,
        "status": HubStatus.BOOKED,
        "category": OrientationCategory.CPTS,
        "rpps": RPPS,
        "profession": "10",
        "finess": None,
    }
    return HubMessage(
        distribution_id=f"fr.health.ptfsas_{number}",
        sender_id="fr.health.ptfsas",
        sent_at=sent_at,
        expires_at=sent_at + timedelta(days=1),
        kind=DistributionKind.UPDATE,
        is_exercise=False,
        is_bare=False,
        notes=(),
        appointment=HubAppointment(**{**appointment, **told}),
    )


class Inbox:
    """What the service does with messages, in memory: first answers again, then the rules."""

    def __init__(self) -> None:
        self.appointment: PlatformAppointment | None = None
        self.answers: dict[str, object] = {}

    def hear(self, told: HubMessage) -> object:
        if told.distribution_id not in self.answers:
            self.answers[told.distribution_id] = self._take(told)
        return self.answers[told.distribution_id]

    def _take(self, told: HubMessage) -> object:
        answer = take(told, referral=None, appointment=self.appointment)
        if isinstance(answer, Taken) and answer.reported:
            (recorded,) = record(
                [answer.reported],
                subject="platform-1",
                after_sequence=self.appointment.sequence if self.appointment else 0,
                departement="00",
                occurred_at=told.sent_at,
                cause=Cause(id=told.distribution_id, recorded_at=NOON),
            )
            self.appointment = evolve(self.appointment, recorded)
        return answer


CREATION = message(0, method=HubMethod.CREATE, status=HubStatus.PENDING)
UPDATES = st.lists(
    st.builds(
        lambda number, minutes, status, hours: message(
            number,
            sent_at=NOON + timedelta(minutes=minutes),
            status=status,
            starts_at=STARTS_AT + timedelta(hours=hours),
        ),
        st.integers(1, 99),
        st.integers(0, 5),
        st.sampled_from(STATUSES),
        st.integers(0, 3),
    ),
    max_size=8,
    unique_by=lambda told: told.distribution_id,
)
OUR_UPDATES = st.lists(
    st.builds(
        lambda number, minutes, status, hours, rpps: message(
            number,
            sent_at=NOON + timedelta(minutes=minutes),
            status=status,
            starts_at=STARTS_AT + timedelta(hours=hours),
            rpps=rpps,
        ),
        st.integers(1, 99),
        st.integers(0, 9),
        st.sampled_from(STATUSES),
        st.integers(0, 3),
        st.sampled_from([RPPS, OTHER_RPPS, None]),
    ),
    max_size=6,
    unique_by=lambda told: told.distribution_id,
)


@given(updates=UPDATES, data=st.data())
def test_any_order_of_arrival_and_any_duplicates_give_the_same_appointment(
    updates: list[HubMessage], data: st.DataObject
) -> None:
    sent = [CREATION, *updates]
    arrivals = data.draw(st.permutations(sent + data.draw(st.lists(st.sampled_from(sent)))))
    inbox = Inbox()
    for told in arrivals:
        inbox.hear(told)
    assert inbox.appointment is not None
    latest = max((take_reported(told) for told in sent), key=rank)
    assert inbox.appointment.told == latest


def take_reported(told: HubMessage) -> Any:
    answer = take(told, referral=None, appointment=None)
    assert isinstance(answer, Taken)
    return answer.reported


def test_a_creation_of_what_is_known_is_refused_and_changes_nothing() -> None:
    inbox = Inbox()
    inbox.hear(CREATION)
    before = inbox.appointment
    answer = inbox.hear(message(7, method=HubMethod.CREATE, sent_at=NOON + timedelta(hours=1)))
    assert answer == AlreadyKnown(appointment_id="platform-1")
    assert inbox.appointment == before


def test_a_creation_that_comes_after_its_update_is_refused_and_changes_nothing() -> None:
    inbox = Inbox()
    inbox.hear(message(1, status=HubStatus.CANCELLED))
    before = inbox.appointment
    assert inbox.hear(CREATION) == AlreadyKnown(appointment_id="platform-1")
    assert inbox.appointment == before


def test_an_update_of_what_is_unknown_is_a_creation() -> None:
    inbox = Inbox()
    inbox.hear(message(1))
    assert inbox.appointment is not None
    assert inbox.appointment.told.status == "booked"


def test_an_older_message_is_kept_as_an_event_but_is_not_the_state() -> None:
    inbox = Inbox()
    inbox.hear(message(1, sent_at=NOON + timedelta(minutes=9), status=HubStatus.FULFILLED))
    inbox.hear(message(2, sent_at=NOON, status=HubStatus.BOOKED))
    assert inbox.appointment is not None
    assert (inbox.appointment.sequence, inbox.appointment.told.status) == (2, "fulfilled")


def test_at_one_instant_the_status_decides() -> None:
    ranks = [rank(take_reported(message(1, status=status))) for status in STATUSES]
    assert ranks == sorted(ranks)
    assert STATUSES == ["pending", "booked", "fulfilled", "noshow", "cancelled"]


def test_an_exercise_changes_nothing() -> None:
    assert take(replace(message(), is_exercise=True), referral=None, appointment=None) == Taken()


def test_an_id_of_the_form_of_ours_never_becomes_a_platform_appointment() -> None:
    told = message(appointment_id="r-" + "0" * 32)
    assert take(told, referral=None, appointment=None) == Taken()


# `-`: nothing is said; `report`: the message alone; else what it changes, after the report.
OURS = table("""
    stage      message    said
    offered    booked     -
    offered    cancelled  -
    booked     pending    report
    booked     booked     report
    booked     fulfilled  AppointmentHonoured
    booked     noshow     AppointmentMissed
    booked     cancelled  AppointmentCancelled
    booked     moved      AppointmentMoved
    honoured   fulfilled  report
    honoured   noshow     AppointmentMissed
    honoured   cancelled  AppointmentCancelled
    honoured   moved      AppointmentMoved
    missed     cancelled  AppointmentCancelled
    missed     fulfilled  AppointmentHonoured
    missed     moved      AppointmentMoved
    cancelled  booked     report
    cancelled  fulfilled  report
    cancelled  cancelled  -
    cancelled  moved      AppointmentMoved
    returned   fulfilled  -
""")


@pytest.mark.parametrize(("stage", "told", "said"), OURS)
def test_what_the_platform_tells_about_a_referral_of_ours(stage: str, told: str, said: str) -> None:
    referral = in_stage(Stage(stage))
    changes = {"rpps": OTHER_RPPS} if told == "moved" else {"status": HubStatus(told)}
    sent_at = referral.changed_at + timedelta(seconds=1)
    update = message(sent_at=sent_at, appointment_id=referral.referral_id, **changes)
    answer = take(update, referral=referral, appointment=None)
    assert isinstance(answer, Taken)
    assert answer.reported is None
    expected = [] if said == "-" else ["PlatformUpdateReported"]
    expected += [] if said in {"-", "report"} else [said]
    assert [type(event).__name__ for event in answer.on_referral] == expected


@pytest.mark.parametrize("stage", [Stage.HONOURED, Stage.MISSED, Stage.CANCELLED])
def test_an_appointment_moved_late_stays_what_became_of_it(stage: Stage) -> None:
    before = in_stage(stage)
    later = message(9, sent_at=before.changed_at + timedelta(hours=9), rpps=OTHER_RPPS)
    after = heard(before, later)
    assert (after.state, after.practitioner_rpps) == (stage, OTHER_RPPS)


def heard(referral: Referral, told: HubMessage) -> Referral:
    """Our referral after a message, as the service hears it."""
    answer = take(told, referral=referral, appointment=None)
    assert isinstance(answer, Taken)
    if not answer.on_referral:
        return referral
    cause = f"{MESSAGE_CAUSE}{told.distribution_id}"
    return evolved(referral, answer.on_referral, told.sent_at, cause)


def end_of(referral: Referral) -> tuple[object, ...]:
    """What figures and steering read of a referral in the end."""
    return referral.state, referral.outcome, referral.starts_at, referral.practitioner_rpps


def test_a_message_not_later_than_a_persons_last_order_changes_nothing() -> None:
    referral = in_stage(Stage.BOOKED)
    update = message(sent_at=referral.changed_at, rpps=OTHER_RPPS)
    assert take(update, referral=referral, appointment=None) == Taken()


def test_of_two_messages_of_one_instant_the_higher_status_wins() -> None:
    at = NOON + timedelta(hours=5)
    came = message(1, sent_at=at, status=HubStatus.FULFILLED)
    missed = message(2, sent_at=at, status=HubStatus.NOSHOW)
    for first, second in ((came, missed), (missed, came)):
        referral = heard(heard(in_stage(Stage.BOOKED), first), second)
        assert referral.state is Stage.MISSED


@given(updates=OUR_UPDATES, data=st.data())
def test_messages_about_a_referral_of_ours_end_the_same_in_any_order_and_any_number(
    updates: list[HubMessage], data: st.DataObject
) -> None:
    again = data.draw(st.lists(st.sampled_from(updates))) if updates else []
    shuffled = data.draw(st.permutations(updates + again))
    in_turn = reduce(heard, updates, in_stage(Stage.BOOKED))
    assert end_of(reduce(heard, shuffled, in_stage(Stage.BOOKED))) == end_of(in_turn)


def test_a_move_told_before_a_persons_report_counts_though_it_comes_after_it() -> None:
    moved = message(1, sent_at=NOON + timedelta(hours=2), rpps=OTHER_RPPS)
    in_time = heard(in_stage(Stage.BOOKED), moved)
    report = decide(in_time, ReportHonoured(), NOON + timedelta(hours=5))
    assert not isinstance(report, Refusal)
    in_time = evolved(in_time, report, NOON + timedelta(hours=5), "order:1")
    late = heard(in_stage(Stage.HONOURED), moved)
    assert end_of(late) == end_of(in_time) == (Stage.HONOURED, None, STARTS_AT, OTHER_RPPS)


@pytest.mark.parametrize("is_noshow_late", [False, True])
def test_what_a_person_says_last_stands_though_it_changes_nothing_then(
    is_noshow_late: bool,
) -> None:
    """The platform said first that they came, then that they did not; then a person, that they
    came."""
    came = message(1, sent_at=NOON + timedelta(hours=30), status=HubStatus.FULFILLED)
    missed = message(2, sent_at=NOON + timedelta(hours=31), status=HubStatus.NOSHOW)
    at = NOON + timedelta(hours=32)
    before, after = ((came,), (missed,)) if is_noshow_late else ((came, missed), ())
    referral = reduce(heard, before, in_stage(Stage.BOOKED))
    report = decide(referral, ReportHonoured(), at)
    assert [type(event).__name__ for event in report] == ["AppointmentHonoured"]
    referral = reduce(heard, after, evolved(referral, report, at, "order:1"))
    assert referral.state is Stage.HONOURED
    # said once more at that instant, it changes nothing
    assert decide(referral, ReportHonoured(), at) == ()


def test_what_the_platform_said_before_a_person_moved_it_says_nothing_of_the_new_time() -> None:
    referral = in_stage(Stage.BOOKED)
    at, starts_at = NOON + timedelta(hours=1), NOON + timedelta(hours=30)
    moved = decide(
        referral, Move(starts_at=starts_at, is_member=True, within=timedelta(days=30)), at
    )
    assert not isinstance(moved, Refusal)
    referral = evolved(referral, moved, at, "order:1")
    for status in (HubStatus.BOOKED, HubStatus.FULFILLED, HubStatus.NOSHOW):
        old = message(2, sent_at=at - timedelta(minutes=1), status=status)
        assert take(old, referral=referral, appointment=None) == Taken()


def test_a_cancellation_told_by_the_platform_is_the_platforms() -> None:
    referral = in_stage(Stage.BOOKED)
    update = message(sent_at=NOON + timedelta(hours=2), status=HubStatus.CANCELLED)
    answer = take(update, referral=referral, appointment=None)
    assert isinstance(answer, Taken)
    after = evolved(referral, answer.on_referral, update.sent_at, "hub")
    assert (after.state, after.outcome) == (Stage.CANCELLED, "platform")


def test_a_creation_under_the_id_of_a_referral_of_ours_is_refused() -> None:
    referral = in_stage(Stage.OFFERED)
    creation = message(method=HubMethod.CREATE, appointment_id=referral.referral_id)
    assert isinstance(take(creation, referral=referral, appointment=None), AlreadyKnown)
