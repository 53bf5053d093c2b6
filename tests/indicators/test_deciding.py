"""Decisions about doubtful appointments, as pure functions: who may, and what becomes of them."""

from datetime import UTC, date, datetime
from typing import Any

import msgspec
import pytest

from contracts.events.indicators import AttributionDecided
from contracts.roles import Role
from services.indicators.domain.appointments import (
    Appointment,
    Attribution,
    Doubt,
    Merger,
    Outcome,
    State,
    Surroundings,
    attribute,
)
from services.indicators.domain.days import Period, start_minute
from services.indicators.domain.deciding import Asked, Decision, Why, decide, settle
from services.indicators.domain.doctors import Membership
from services.indicators.domain.refusals import Refusal
from tests.indicators.test_counting import RULE

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
DAY = date(2026, 3, 10)
RIGHT, WRONG, NOBODY = "810002345675", "810002345676", "810000000011"
SINCE = [("a", date(2026, 1, 1)), ("b", date(2026, 2, 1))]
KNOWN = Surroundings(
    cpts_by_finess={"f-c": "c"},
    memberships={
        RIGHT: [
            Membership(cpts_id=cpts_id, rpps=RIGHT, profession="10", period=Period(first))
            for cpts_id, first in SINCE
        ],
        # no member on that day any more
        NOBODY: [
            Membership(
                cpts_id="d",
                rpps=NOBODY,
                profession="10",
                period=Period(date(2025, 1, 1), date(2025, 2, 1)),
            )
        ],
    },
    participations={},
)


def appointment(number: int = 1, **more: Any) -> Appointment:
    fields = {"status": "booked", "category": "CPTS", "rpps": RIGHT} | more
    return Appointment(
        appointment_id=f"p-{number}",
        created_at=NOON.replace(minute=number),
        starts_at=NOON,
        **fields,
    )


def decided(decision: Decision, number: int = 1, **more: Any) -> AttributionDecided:
    known = {"candidates": ("a", "b"), "by_role": "caisse"} | more
    return AttributionDecided(
        appointment_id=f"p-{number}",
        decision=decision.value,
        reason="confirmed_by_cpts",
        decided_by="agent-7",
        **known,
    )


def settled(
    *appointments: Appointment, ours: tuple[str, ...] = (), said: Any = ()
) -> dict[str, Attribution]:
    found = settle(
        appointments,
        KNOWN,
        RULE,
        referrals={(RIGHT, start_minute(NOON)): ours} if ours else {},
        decisions={one.appointment_id: one for one in said},
    )
    return {one.appointment_id: one for one in found}


@pytest.mark.parametrize(
    ("told", "doubts", "concerned"),
    [
        ({}, ["ambiguous"], ("a", "b")),
        ({"finess": "f-c"}, [], ("c",)),
        ({"finess": "f-c", "rpps": WRONG}, ["wrong_check_digit"], ("c",)),
        ({"rpps": WRONG}, ["no_cpts", "wrong_check_digit"], ()),
        ({"rpps": NOBODY}, ["no_cpts", "wrong_check_digit"], ("d",)),
        ({"rpps": None}, ["no_cpts"], ()),
        ({"category": "MSP", "rpps": WRONG}, [], ()),
        ({"status": "cancelled", "rpps": WRONG}, [], ()),
    ],
)
def test_what_is_doubtful_and_whose_matter_it_is(
    told: dict[str, Any], doubts: list[str], concerned: tuple[str, ...]
) -> None:
    found = attribute(appointment(**told), KNOWN, RULE)
    assert (list(found.doubts), found.concerned) == (doubts, concerned)


@pytest.mark.parametrize(
    ("decision", "counted", "state"),
    [
        (decided(Decision.COUNT_FOR, for_cpts_id="b"), "b", State.DECIDED),
        (decided(Decision.LEAVE_OUT), None, State.DECIDED),
        (decided(Decision.AS_RULED), "a", State.DECIDED),
        # what was looked at then is not what there is now
        (decided(Decision.COUNT_FOR, for_cpts_id="b", candidates=("b",)), "b", State.REOPENED),
    ],
)
def test_a_decision_moves_an_appointment(
    decision: AttributionDecided, counted: str | None, state: State
) -> None:
    one = settled(appointment(), said=[decision])["p-1"]
    assert (one.counted_for(), one.state) == ((counted, DAY) if counted else None, state)
    assert one.candidates == ("a", "b")
    cancelled = settled(appointment(status="cancelled"), said=[decision])["p-1"]
    assert (cancelled.outcome, cancelled.state) == (Outcome.NOT_STANDING, State.OPEN)


def test_whose_it_is_and_whether_it_is_a_twin_are_decided_apart() -> None:
    both = appointment(1), appointment(2)
    moved = decided(Decision.COUNT_FOR, 2, for_cpts_id="b")
    assert settled(*both, said=[moved])["p-2"].twin == "appointment:p-1"
    apart = decided(Decision.COUNT_APART, 2, twins=("appointment:p-1",), for_cpts_id="b")
    found = settled(*both, said=[apart])
    assert [found[one].counted_for() for one in ("p-1", "p-2")] == [("a", DAY), ("b", DAY)]
    assert Doubt.SAME_MINUTE in found["p-2"].doubts
    # A twin that nobody looked at still counts in its place, and opens the case again.
    later = settled(*both, ours=("referral:r",), said=[apart])
    assert (later["p-1"].twin, later["p-2"].twin) == ("referral:r", "referral:r")
    assert later["p-2"].state is State.REOPENED
    # Said of either, it holds for both.
    other = decided(Decision.COUNT_APART, 1, twins=("appointment:p-2",))
    assert settled(*both, said=[other])["p-2"].counted_for() == ("a", DAY)


def asked(decision: Decision, **more: Any) -> Asked:
    known: dict[str, Any] = {"by_role": Role.CAISSE, "decided_by": "x"} | more
    return Asked(decision=decision, reason=Why.CONFIRMED_BY_CPTS, **known)


BY_A = {"by_role": Role.CPTS, "by_cpts_id": "a"}
DUPLICATE = {"outcome": Outcome.DUPLICATE, "doubts": (Doubt.SAME_MINUTE,), "twin": "referral:r"}


@pytest.mark.parametrize(
    ("question", "changed", "standing", "answer"),
    [
        (asked(Decision.COUNT_FOR, for_cpts_id="x"), {}, None, Refusal.UNKNOWN_CPTS),
        (asked(Decision.LEAVE_OUT), {"doubts": ()}, None, Refusal.NOT_DOUBTFUL),
        (asked(Decision.COUNT_APART), {}, None, Refusal.NO_TWIN),
        (asked(Decision.COUNT_FOR, for_cpts_id="m"), {}, None, Refusal.PART_OF_ANOTHER),
        (asked(Decision.COUNT_FOR, for_cpts_id="a", **BY_A), {}, None, Refusal.NOT_GIVEN_AWAY),
        (asked(Decision.COUNT_FOR, for_cpts_id="c", **BY_A), {}, None, Refusal.NOT_GIVEN_AWAY),
        (asked(Decision.AS_RULED, **BY_A), {}, None, Refusal.NOT_GIVEN_AWAY),
        (asked(Decision.COUNT_APART, **BY_A), DUPLICATE, None, Refusal.NOT_GIVEN_AWAY),
        (
            asked(Decision.LEAVE_OUT, **BY_A),
            {},
            decided(Decision.AS_RULED),
            Refusal.DECIDED_BY_THE_CAISSE,
        ),
    ],
)
def test_what_may_not_be_decided(
    question: Asked, changed: Any, standing: Any, answer: Refusal
) -> None:
    present = msgspec.structs.replace(attribute(appointment(), KNOWN, RULE), **changed)
    found = decide(
        question,
        present,
        standing=standing,
        known_cpts=dict.fromkeys("abcm", "93"),
        mergers={"m": Merger(date(2026, 3, 10), "a")},
    )
    assert found is answer


def test_a_decision_says_what_was_looked_at_and_the_same_again_says_nothing() -> None:
    present = msgspec.structs.replace(attribute(appointment(), KNOWN, RULE), **DUPLICATE)
    known: Any = {"known_cpts": {}, "mergers": {}}
    question = asked(Decision.COUNT_APART)
    said = decide(question, present, standing=None, **known)
    assert isinstance(said, AttributionDecided)
    assert (said.candidates, said.twins) == (("a", "b"), ("referral:r",))
    assert decide(question, present, standing=said, **known) is None
    # Apart from the first, it meets a second: it is apart from both.
    second = msgspec.structs.replace(present, twin="appointment:p-0")
    again = decide(question, second, standing=said, **known)
    assert isinstance(again, AttributionDecided)
    assert again.twins == ("appointment:p-0", "referral:r")
    given_away = decide(asked(Decision.LEAVE_OUT, **BY_A), present, standing=None, **known)
    assert isinstance(given_away, AttributionDecided)
    assert given_away.by_cpts_id == "a"
