"""Decisions about appointments on a real PostgreSQL: whenever they come, the same figures; and a
database from before a decision is right again once it has heard the decision back.
"""

from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.departements import NATIONAL
from contracts.events.indicators import AttributionDecided
from contracts.recorded import Cause, Recorded, record
from services.indicators.app import RULE
from services.indicators.domain.deciding import Decision
from services.indicators.handlers.deciding import carry_decision, lock_appointment
from services.indicators.handlers.recounting import look_again
from services.messaging.unit import Desk, open_unit
from tests.desks import empty
from tests.indicators.hearing import announced, figures, hear, invariants
from tests.indicators.model import Key
from tests.indicators.story import AT, CPTS, Story, arrivals, stories
from tests.indicators.test_twins_that_part import KNOWN, NOON, accepted, told
from tests.indicators.test_two_transactions import recorded

FACTS = [f"platform-{n}" for n in range(5)]


def decided(appointment_id: str, decision: Decision, **more: Any) -> AttributionDecided:
    return AttributionDecided(
        appointment_id=appointment_id,
        decision=decision.value,
        reason="confirmed_by_cpts",
        by_role="caisse",
        decided_by="agent-7",
        **more,
    )


@st.composite
def decisions(draw: Any) -> list[AttributionDecided]:
    """A few decisions, some about one appointment after another."""
    twins = [f"appointment:{one}" for one in FACTS] + [f"referral:r-{n}" for n in range(5)]
    said = []
    for _ in range(draw(st.integers(1, 4))):
        decision = draw(st.sampled_from(Decision))
        may_name = decision in {Decision.COUNT_FOR, Decision.COUNT_APART}
        said.append(
            decided(
                draw(st.sampled_from(FACTS[:3])),
                decision,
                for_cpts_id=draw(st.sampled_from(CPTS)) if may_name else None,
                twins=tuple(draw(st.lists(st.sampled_from(twins), max_size=4, unique=True))),
            )
        )
    return said


async def carry(desk: Desk, event: AttributionDecided, number: int) -> bool:
    """Carries a decision, if its appointment is known."""
    async with open_unit(desk) as unit:
        appointment = await lock_appointment(unit, event.appointment_id)
        if appointment is not None:
            cause = Cause(id=f"order:{number}", recorded_at=AT + timedelta(seconds=number))
            await carry_decision(RULE, unit, appointment, event, cause)
    return appointment is not None


async def tell(
    desk: Desk, batches: Any, waiting: list[AttributionDecided], places: list[int]
) -> dict[Key, set[str]]:
    """The figures after all batches, each decision given after the batch at its place, or as soon
    as its appointment is known.
    """
    await empty(desk)
    given = 0
    for place, (topic, batch) in enumerate(batches):
        await hear(desk, topic, batch)
        while given < len(waiting) and places[given] <= place:
            if not await carry(desk, waiting[given], given):
                break
            given += 1
    for number in range(given, len(waiting)):
        await carry(desk, waiting[number], number)
    assert await invariants(desk) == {True}
    return {key: facts for key, facts in (await figures(desk)).items() if facts}


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data(), story=stories(), said=decisions())
async def test_a_decision_counts_the_same_whenever_it_comes(
    migrated: Desk, data: st.DataObject, story: Story, said: list[AttributionDecided]
) -> None:
    batches = data.draw(arrivals(story))
    last = len(batches)
    places = sorted(data.draw(st.integers(0, last)) for _ in said)
    at_the_end = await tell(migrated, batches, said, [last] * len(said))
    assert await tell(migrated, batches, said, places) == at_the_end


async def test_a_decision_heard_back_after_a_restore_is_attributed_again(desk: Desk) -> None:
    """The backup knows the appointment; decision and figures come back from the own topic."""
    for topic, event in recorded([*KNOWN, accepted(), told(1, 1)]):
        await hear(desk, topic, [event])
    before = await announced(desk)
    apart = decided(
        "platform-1", Decision.COUNT_APART, candidates=("cpts-a",), twins=("referral:r-1",)
    )
    back: list[Recorded[Any]] = record(
        [apart],
        subject="attributions/platform-1",
        after_sequence=0,
        departement=NATIONAL,
        occurred_at=NOON,
        cause=Cause(id="order:lost", recorded_at=NOON),
    )
    async with open_unit(desk) as unit:
        # As a restore does it: kept in the history and applied, nothing derived.
        await unit.announce(back)
    part: str | None = ""
    while part is not None:
        async with open_unit(desk) as unit:
            part = await look_again(RULE, unit, Cause(id="again", recorded_at=NOON), part)
    row = await desk.pool.fetchrow("select outcome, state from attribution")
    assert tuple(row or ()) == ("counted", "decided")
    counted = [facts for (_, name, _), facts in (await figures(desk)).items() if "rdv" in name]
    assert counted == [{"referral:r-1", "appointment:platform-1"}]
    assert len(await announced(desk)) == len(before) + 1
    assert await invariants(desk) == {True}
