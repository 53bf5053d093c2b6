"""The life of a referral: what each order makes of each stage, and what time alone does."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from contracts.communes import resolve
from contracts.events.referrals import (
    DemandHeld,
    ReferralExpired,
    ReferralOffered,
    ReferralReturned,
)
from services.referrals.domain.orders import (
    Accept,
    Cancel,
    Decline,
    DeclineReason,
    Move,
    Order,
    ReportHonoured,
    ReportMissed,
    Return,
    ReturnReason,
    Side,
    decide,
    refuse_new_demand,
)
from services.referrals.domain.referral import (
    Referral,
    Stage,
    due_at,
    fall_due,
    look_again,
    receive,
    referral_id,
    see_by_of,
)
from services.referrals.domain.refusal import Refusal
from services.referrals.domain.territory import HeldReason
from tests.referrals.referral_cases import (
    ANSWER_WITHIN,
    DEMAND,
    MOVE_WITHIN,
    NOON,
    OTHER_RPPS,
    ROADS,
    RPPS,
    SEE_BY,
    STARTS_AT,
    TOLERANCE,
    evolved,
    in_stage,
    received,
    table,
)

ORDERS: dict[str, Order] = {
    "accept": Accept(cpts_id="c1", practitioner_rpps=RPPS, starts_at=STARTS_AT, is_member=True),
    "decline": Decline(cpts_id="c1", reason="no_availability"),
    "return": Return(reason="by_cpts"),
    "honoured": ReportHonoured(),
    "missed": ReportMissed(),
    "cancel": Cancel(by="patient"),
    "move": Move(starts_at=NOON + timedelta(hours=30), is_member=True, within=MOVE_WITHIN),
}

STAGES = table("""
    stage      accept               decline              return             honoured        missed          cancel          move
    held       not_awaiting_answer  not_awaiting_answer  returned           no_appointment  no_appointment  no_appointment  no_appointment
    offered    booked               declined             returned           no_appointment  no_appointment  no_appointment  no_appointment
    booked     not_awaiting_answer  not_awaiting_answer  returned           honoured        missed          cancelled       booked
    honoured   not_awaiting_answer  not_awaiting_answer  nothing_to_return  honoured        missed          no_appointment  no_appointment
    missed     not_awaiting_answer  not_awaiting_answer  nothing_to_return  honoured        missed          no_appointment  no_appointment
    cancelled  not_awaiting_answer  not_awaiting_answer  nothing_to_return  no_appointment  no_appointment  no_appointment  no_appointment
    declined   not_awaiting_answer  not_awaiting_answer  nothing_to_return  no_appointment  no_appointment  no_appointment  no_appointment
    expired    answer_too_late      answer_too_late      answer_too_late    no_appointment  no_appointment  no_appointment  no_appointment
    returned   not_awaiting_answer  not_awaiting_answer  nothing_to_return  no_appointment  no_appointment  no_appointment  no_appointment
""")  # noqa: E501


@pytest.mark.parametrize(
    ("stage", "name", "expected"),
    [
        (row[0], name, expected)
        for row in STAGES
        for name, expected in zip(ORDERS, row[1:], strict=True)
    ],
)
def test_what_an_order_makes_of_a_stage(stage: str, name: str, expected: str) -> None:
    referral = in_stage(Stage(stage))
    early = Stage(stage) in {Stage.HELD, Stage.OFFERED}
    instant = NOON + (timedelta(minutes=10) if early else timedelta(hours=6))
    answer = decide(referral, ORDERS[name], instant)
    if isinstance(answer, Refusal):
        assert answer == expected
    else:
        assert evolved(referral, answer, instant, name).state == expected


def order_of(name: str, *flaws: str) -> tuple[Order, datetime]:
    """An order with flaws, at the instant that some of them ask for."""
    instant = NOON + (timedelta(minutes=60) if "late" in flaws else timedelta(minutes=59))
    cpts_id = "c2" if "other_cpts" in flaws else "c1"
    is_member = "stranger" not in flaws
    starts_at = NOON if "past" in flaws else STARTS_AT
    starts_at = SEE_BY + timedelta(seconds=1) if "after_see_by" in flaws else starts_at
    word = "because" if "unknown" in flaws else None
    match name:
        case "accept":
            order: Order = Accept(
                cpts_id=cpts_id, practitioner_rpps=RPPS, starts_at=starts_at, is_member=is_member
            )
        case "decline":
            order = Decline(cpts_id=cpts_id, reason=word or "no_availability")
        case "return":
            order = Return(reason=word or "by_cpts")
        case "cancel":
            order = Cancel(by=word or "patient")
        case "move" if "nothing" in flaws:
            order = Move(
                is_member=is_member,
                starts_at=None if "bare" in flaws else STARTS_AT,
                within=MOVE_WITHIN,
            )
        case "move":
            order = Move(
                is_member=is_member,
                practitioner_rpps=OTHER_RPPS,
                starts_at=NOON if "past" in flaws else None,
                within=MOVE_WITHIN,
            )
        case _:
            order = ORDERS[name]
    return order, instant


PRECEDENCE = table("""
    order     stage     flaws                                     refused because
    accept    booked    other_cpts+late+stranger+past             not_awaiting_answer
    accept    offered   other_cpts+late+stranger+past             not_the_offered_cpts
    accept    offered   late+stranger+past                        answer_too_late
    accept    offered   stranger+past                             practitioner_not_a_member
    accept    offered   past                                      appointment_in_the_past
    accept    offered   after_see_by                              appointment_after_see_by
    decline   declined  other_cpts+late+unknown                   not_awaiting_answer
    decline   expired   other_cpts+late+unknown                   not_the_offered_cpts
    decline   expired   late+unknown                              answer_too_late
    decline   offered   other_cpts+late+unknown                   not_the_offered_cpts
    decline   offered   late+unknown                              answer_too_late
    decline   offered   unknown                                   unknown_reason
    return    declined  late+unknown                              nothing_to_return
    return    offered   late+unknown                              unknown_reason
    return    offered   late                                      answer_too_late
    return    held      unknown                                   unknown_reason
    honoured  offered   -                                         no_appointment
    honoured  booked    -                                         appointment_not_started
    missed    offered   -                                         no_appointment
    missed    booked    -                                         appointment_not_started
    cancel    honoured  unknown                                   no_appointment
    cancel    booked    unknown                                   unknown_side
    move      missed    nothing+stranger                          no_appointment
    move      booked    nothing+bare+stranger                     nothing_to_move
    move      booked    nothing+stranger                          nothing_to_move
    move      booked    stranger+past                             practitioner_not_a_member
    move      booked    past                                      appointment_in_the_past
""")


@pytest.mark.parametrize(("name", "stage", "flaws", "reason"), PRECEDENCE)
def test_the_reason_told_when_several_hold(name: str, stage: str, flaws: str, reason: str) -> None:
    order, instant = order_of(name, *flaws.split("+"))
    assert decide(in_stage(Stage(stage)), order, instant) == reason


DEMANDS = table("""
    commune  need                      received after minutes  refused because
    00000    anything                  6                       unknown_commune
    93066    anything                  6                       unknown_need
    93066    consultation_generaliste  6                       received_in_the_future
    93066    consultation_generaliste  5                       -
    93066    consultation_generaliste  0                       -
""")


@pytest.mark.parametrize(("code", "need", "minutes", "reason"), DEMANDS)
def test_the_reason_why_a_demand_is_not_taken(
    code: str, need: str, minutes: str, reason: str
) -> None:
    demand = replace(DEMAND, need=need, received_at=NOON + timedelta(minutes=int(minutes)))
    refusal = refuse_new_demand(demand, commune=resolve(code), instant=NOON, tolerance=TOLERANCE)
    assert refusal == (None if reason == "-" else reason)


def test_the_same_demand_has_the_same_id() -> None:
    assert referral_id("sas93", "1") == referral_id("sas93", "1")
    assert referral_id("sas93", "1") != referral_id("sas9", "31")


@pytest.mark.parametrize(
    ("urgency", "received_at", "time_zone", "see_by"),
    [
        ("within_48h", "2026-03-28T12:00Z", "Europe/Paris", "2026-03-30T12:00Z"),
        # 23:30 in Paris in winter, and on the day of 23 hours
        ("same_day", "2026-03-10T22:30Z", "Europe/Paris", "2026-03-10T23:00Z"),
        ("same_day", "2026-03-29T08:00Z", "Europe/Paris", "2026-03-29T22:00Z"),
        # at 23:30 in Paris it is already the next day in La Réunion, and still noon in Tahiti
        ("same_day", "2026-03-10T22:30Z", "Indian/Reunion", "2026-03-11T20:00Z"),
        ("same_day", "2026-03-10T22:30Z", "Pacific/Tahiti", "2026-03-11T10:00Z"),
        # midnight itself opens a new day
        ("same_day", "2026-03-10T23:00Z", "Europe/Paris", "2026-03-11T23:00Z"),
    ],
)
def test_until_when_the_person_is_to_be_seen(
    urgency: str, received_at: str, time_zone: str, see_by: str
) -> None:
    answer = see_by_of(urgency, datetime.fromisoformat(received_at), time_zone)  # type: ignore[arg-type]
    assert answer == datetime.fromisoformat(see_by)


def test_a_demand_is_offered_until_the_answer_is_due_and_never_beyond_see_by() -> None:
    assert received("c1", NOON).answer_by == NOON + timedelta(minutes=60)
    late = SEE_BY - timedelta(minutes=20)
    assert received("c1", late).answer_by == SEE_BY


def test_a_demand_that_comes_when_it_is_too_late_is_held_and_given_back_at_once() -> None:
    instant = SEE_BY + timedelta(minutes=3)
    referral = received("c1", instant)
    assert (referral.state, referral.outcome) == (Stage.HELD, HeldReason.SEE_BY_PASSED)
    (returned,) = fall_due(referral, instant)
    assert isinstance(returned, ReferralReturned)
    assert returned.returned_at == instant
    assert look_again(referral, holder="c1", instant=instant, answer_within=ANSWER_WITHIN) == ()


def test_a_late_timer_dates_the_expiry_by_its_due_time() -> None:
    referral = in_stage(Stage.OFFERED)
    assert fall_due(referral, NOON + timedelta(minutes=59, seconds=59)) == ()
    (expired,) = fall_due(referral, NOON + timedelta(days=9))
    assert isinstance(expired, ReferralExpired)
    assert expired.expired_at == NOON + timedelta(minutes=60)


def test_a_late_timer_dates_the_return_of_a_held_demand_by_see_by() -> None:
    referral = in_stage(Stage.HELD)
    assert fall_due(referral, SEE_BY - timedelta(seconds=1)) == ()
    (returned,) = fall_due(referral, SEE_BY + timedelta(days=9))
    assert isinstance(returned, ReferralReturned)
    assert (returned.reason, returned.returned_at) == ("not_offered_in_time", SEE_BY)


def test_a_return_ordered_after_see_by_is_refused_though_the_timer_has_not_run() -> None:
    answer = decide(in_stage(Stage.HELD), Return(reason="by_regulation"), SEE_BY)
    assert answer is Refusal.NOTHING_TO_RETURN


@pytest.mark.parametrize("stage", [*Stage])
def test_only_what_is_awaited_falls_due(stage: Stage) -> None:
    is_awaited = stage in {Stage.HELD, Stage.OFFERED}
    assert (due_at(in_stage(stage)) is not None) == is_awaited
    assert bool(fall_due(in_stage(stage), NOON + timedelta(days=99))) == is_awaited


def test_a_held_demand_is_offered_when_its_place_is_known_and_told_why_when_divided() -> None:
    referral = in_stage(Stage.HELD)
    later = NOON + timedelta(hours=1)

    def again(holder: str | HeldReason) -> tuple[object, ...]:
        return look_again(referral, holder=holder, instant=later, answer_within=ANSWER_WITHIN)

    assert again(HeldReason.NO_CPTS_FOR_PLACE) == ()
    assert again(HeldReason.PART_NEEDED) == (
        DemandHeld(referral_id=referral.referral_id, reason="part_needed"),
    )
    assert again("c1") == (
        ReferralOffered(
            referral_id=referral.referral_id,
            cpts_id="c1",
            offered_at=later,
            answer_by=later + timedelta(minutes=60),
        ),
    )


@pytest.mark.parametrize(
    ("stage", "report"), [(Stage.HONOURED, ReportHonoured()), (Stage.MISSED, ReportMissed())]
)
def test_the_same_outcome_is_said_again_when_it_is_reported_later(
    stage: Stage, report: Order
) -> None:
    """It then stands against what the platform said in between and tells later still."""
    referral, (_, reported_after) = in_stage(stage), ROADS[stage][-1]
    assert decide(referral, report, NOON + reported_after) == ()
    again = decide(referral, report, NOON + reported_after + timedelta(hours=1))
    assert not isinstance(again, Refusal)
    assert evolved(referral, again, NOON + timedelta(hours=9), "again").state is stage


INSTANTS = st.timedeltas(timedelta(0), timedelta(days=4)).map(lambda after: NOON + after)
MAYBE_INSTANT = st.none() | INSTANTS
RPPS_OF = st.sampled_from([RPPS, OTHER_RPPS])
ANY_ORDER: st.SearchStrategy[Order] = st.one_of(
    st.builds(
        Accept,
        cpts_id=st.sampled_from(["c1", "c2"]),
        practitioner_rpps=RPPS_OF,
        starts_at=INSTANTS,
        is_member=st.booleans(),
    ),
    st.builds(
        Decline,
        cpts_id=st.sampled_from(["c1", "c2"]),
        reason=st.sampled_from([*DeclineReason, "because"]),
    ),
    st.builds(Return, reason=st.sampled_from([*ReturnReason, "because"])),
    st.just(ReportHonoured()),
    st.just(ReportMissed()),
    st.builds(Cancel, by=st.sampled_from([*Side, "platform"])),
    st.builds(
        Move,
        starts_at=MAYBE_INSTANT,
        practitioner_rpps=st.none() | RPPS_OF,
        is_member=st.booleans(),
        within=st.just(MOVE_WITHIN),
    ),
)
LAWFUL: dict[Stage, set[Stage]] = {
    Stage.HELD: {Stage.HELD, Stage.OFFERED, Stage.RETURNED},
    Stage.OFFERED: {Stage.BOOKED, Stage.DECLINED, Stage.EXPIRED, Stage.RETURNED},
    Stage.BOOKED: {
        Stage.BOOKED,
        Stage.HONOURED,
        Stage.MISSED,
        Stage.CANCELLED,
        Stage.RETURNED,
    },
    Stage.HONOURED: {Stage.MISSED},
    Stage.MISSED: {Stage.HONOURED},
}


def check_step(before: Referral, after: Referral) -> None:
    """What holds of every step, whatever led to it."""
    assert after.state in LAWFUL.get(before.state, set())
    assert after.demand == before.demand
    assert after.sequence == before.sequence + 1
    if after.state is Stage.BOOKED:
        assert after.accepted_at is not None
        assert after.answer_by is not None
        assert after.accepted_at < after.answer_by <= after.see_by
    if before.accepted_at is not None:
        assert (after.accepted_at, after.cpts_id) == (before.accepted_at, before.cpts_id)


@given(
    holder=st.sampled_from(["c1", *HeldReason]),
    steps=st.lists(st.tuples(ANY_ORDER | st.just("time") | st.just("territory"), INSTANTS)),
)
def test_any_sequence_of_orders_is_answered_and_only_lawful_steps_are_taken(
    holder: str | HeldReason, steps: list[tuple[Order | str, datetime]]
) -> None:
    referral = received(holder)
    for number, (step, instant) in enumerate(steps):
        if step == "time":
            answer: object = fall_due(referral, instant)
        elif step == "territory":
            answer = look_again(referral, holder="c1", instant=instant, answer_within=ANSWER_WITHIN)
        else:
            assert not isinstance(step, str)
            answer = decide(referral, step, instant)
        if isinstance(answer, Refusal) or not answer:
            continue
        after = evolved(referral, answer, instant, str(number))
        check_step(referral, after)
        referral = after


@given(order=ANY_ORDER, late=st.timedeltas(timedelta(0), timedelta(days=4)))
def test_no_answer_is_taken_at_or_after_the_due_time_before_the_timer_has_run(
    order: Order, late: timedelta
) -> None:
    offered = in_stage(Stage.OFFERED)
    assert isinstance(decide(offered, order, NOON + timedelta(minutes=60) + late), Refusal)


def test_the_first_events_never_contain_what_the_sas_did_not_code() -> None:
    events = receive(DEMAND, see_by=SEE_BY, holder="c1", instant=NOON, answer_within=ANSWER_WITHIN)
    assert [type(event).__name__ for event in events] == ["DemandReceived", "ReferralOffered"]
