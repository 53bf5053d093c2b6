"""A referral of ours and the Hub's messages about the same appointment count once, whichever comes
first: whatever becomes of it, in any order, repetition and batches.
"""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.events import referrals
from services.messaging.unit import Desk
from tests.desks import empty
from tests.indicators.hearing import figures, hear, invariants
from tests.indicators.test_twins_that_part import KNOWN, LATER, NAMES, NOON, accepted, moved, told
from tests.indicators.test_two_transactions import member, recorded

CANCELLED = referrals.AppointmentCancelled(**NAMES, by="patient")
OURS, THEIRS = {"referral:r-1"}, {"appointment:platform-1"}
# What becomes of the appointment, told by either side, and what counts it in the end.
LIVES: dict[str, tuple[list[Any], set[str]]] = {
    "it stands": ([], OURS),
    "told under two ids": ([told(2, 1)], OURS),
    "seconds differ": ([told(1, 2, NOON.replace(second=59))], OURS),
    "it is moved by both": ([moved(), told(1, 2, LATER)], OURS),
    "it is honoured, by both": (
        [referrals.AppointmentHonoured(**NAMES), told(1, 2, status="fulfilled")],
        OURS,
    ),
    "nobody came, says the Hub": ([told(1, 2, status="noshow")], OURS),
    "the Hub alone cancels": ([told(1, 2, status="cancelled")], OURS),
    "we alone cancel": ([CANCELLED], THEIRS),
    "both cancel": ([CANCELLED, told(1, 2, status="cancelled")], set()),
    "without FINESS, by membership": ([told(1, 2, finess=None, category="CPTS")], OURS),
}


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data(), life=st.sampled_from(sorted(LIVES)))
async def test_one_appointment_counts_once_whichever_comes_first(
    migrated: Desk, data: st.DataObject, life: str
) -> None:
    await empty(migrated)
    after, counted = LIVES[life]
    events = recorded([*KNOWN, member, accepted(), told(1, 1), *after])
    again = data.draw(st.lists(st.sampled_from(events), max_size=3))
    coming = data.draw(st.permutations([*events, *again]))
    while coming:
        topic = coming[0][0]
        size = data.draw(st.integers(1, 4))
        batch = [one for one in coming[:size] if one[0] == topic]
        coming = [*[one for one in coming[:size] if one[0] != topic], *coming[size:]]
        await hear(migrated, topic, [event for _, event in batch])
    facts = [facts for (_, name, _), facts in (await figures(migrated)).items() if "rdv" in name]
    assert facts == [counted]
    assert await invariants(migrated) == {True}
