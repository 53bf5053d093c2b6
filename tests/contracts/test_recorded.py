"""The envelope: goal, that a decision taken twice says the same, and that ids follow time.

Method: properties over any cause, subject and instant, in any time zone.
"""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from contracts.events.membership import FinessAssigned
from contracts.recorded import Cause, event_id, record, type_name
from contracts.topics import TOPICS

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))

instants = st.datetimes(
    min_value=datetime(1970, 1, 2),  # noqa: DTZ001 - Hypothesis takes naive bounds
    max_value=datetime(9999, 12, 30),  # noqa: DTZ001
    timezones=OFFSETS,
)
words = st.text(min_size=1, max_size=40)
inputs = st.fixed_dictionaries(
    {
        "occurred_at": instants,
        "cause": words,
        "type_": words,
        "subject": words,
        "ordinal": st.integers(1, 10**9),
    }
)


def milliseconds(instant: datetime) -> int:
    return (instant - EPOCH) // timedelta(milliseconds=1)


EXAMPLE = {"cause": "c", "type_": "t", "subject": "s", "ordinal": 1}
# As a float this instant is a hair lower, and falls in the millisecond before (2038 to 2039).
FLOATS_FALL_SHORT_AT = datetime.fromisoformat("2038-06-01T12:00:00.002+00:00")


class TestEventId:
    @given(inputs)
    def test_is_a_uuid_version_8_of_the_standard_variant(self, given_: dict[str, Any]):
        made = event_id(**given_)
        assert made.version == 8
        assert made.variant == "specified in RFC 4122"

    @given(inputs)
    def test_is_equal_for_the_same_input(self, given_: dict[str, Any]):
        assert event_id(**given_) == event_id(**given_)

    @given(inputs, OFFSETS)
    def test_does_not_depend_on_how_the_instant_is_written(
        self, given_: dict[str, Any], offset: timezone
    ):
        elsewhere = given_["occurred_at"].astimezone(offset)
        assert event_id(**given_) == event_id(**{**given_, "occurred_at": elsewhere})

    @given(inputs, words, st.sampled_from(["cause", "type_", "subject"]))
    def test_differs_for_another_input(self, given_: dict[str, Any], other: str, field: str):
        changed = {**given_, field: given_[field] + other}
        assert event_id(**given_) != event_id(**changed)

    @given(inputs)
    def test_differs_for_another_ordinal(self, given_: dict[str, Any]):
        changed = {**given_, "ordinal": given_["ordinal"] + 1}
        assert event_id(**given_) != event_id(**changed)

    @example({**EXAMPLE, "occurred_at": FLOATS_FALL_SHORT_AT})
    @given(inputs)
    def test_begins_with_the_milliseconds_of_the_instant(self, given_: dict[str, Any]):
        assert event_id(**given_).int >> 80 == milliseconds(given_["occurred_at"])

    @given(inputs, inputs)
    def test_is_ordered_by_time(self, one: dict[str, Any], other: dict[str, Any]):
        first, second = sorted([one, other], key=lambda each: milliseconds(each["occurred_at"]))
        if milliseconds(first["occurred_at"]) < milliseconds(second["occurred_at"]):
            assert event_id(**first) < event_id(**second)

    @given(inputs)
    def test_is_later_one_millisecond_later(self, given_: dict[str, Any]):
        later = given_["occurred_at"] + timedelta(milliseconds=1)
        assert event_id(**given_) < event_id(**{**given_, "occurred_at": later})


causes = st.builds(Cause, id=words, recorded_at=instants, traceparent=st.none() | words)
decisions = st.fixed_dictionaries(
    {
        "subject": words,
        "after_sequence": st.integers(0, 10**6),
        "departement": st.sampled_from(["00", "2A", "93", "974"]),
        "occurred_at": instants,
        "cause": causes,
    }
)
SAID = [FinessAssigned(cpts_id="c", finess=f"193000000{n}") for n in range(5)]


class TestRecord:
    @given(decisions, st.integers(0, 5))
    def test_gives_consecutive_sequences_after_the_last(self, decision: dict[str, Any], count: int):
        made = record(SAID[:count], **decision)
        after = decision["after_sequence"]
        assert [each.sequence for each in made] == list(range(after + 1, after + 1 + count))
        assert [each.event for each in made] == SAID[:count]

    @given(decisions)
    def test_gives_the_same_again(self, decision: dict[str, Any]):
        assert record(SAID, **decision) == record(SAID, **decision)

    @given(decisions)
    def test_gives_equal_events_different_ids(self, decision: dict[str, Any]):
        made = record([SAID[0], SAID[0], SAID[0]], **decision)
        assert len({each.id for each in made}) == 3

    @given(decisions)
    def test_takes_what_it_did_not_decide_from_the_cause(self, decision: dict[str, Any]):
        cause = decision["cause"]
        for each in record(SAID, **decision):
            assert each.recorded_at == cause.recorded_at
            assert each.cause == cause.id
            assert each.traceparent == cause.traceparent
            assert each.occurred_at == decision["occurred_at"]

    @given(decisions)
    def test_hands_its_own_provenance_on_as_a_cause(self, decision: dict[str, Any]):
        (made,) = record(SAID[:1], **decision)
        onward = made.as_cause()
        assert onward.id == str(made.id)
        assert onward.recorded_at == made.recorded_at
        assert onward.traceparent == made.traceparent

    @pytest.mark.parametrize("naive", ["occurred_at", "recorded_at"])
    def test_refuses_an_instant_without_its_offset(self, naive: str):
        instants = {"occurred_at": EPOCH, "recorded_at": EPOCH}
        instants[naive] = EPOCH.replace(tzinfo=None)
        cause = Cause(id="order:1", recorded_at=instants["recorded_at"])
        with pytest.raises(ValueError, match="offset"):
            record(
                SAID,
                subject="c",
                after_sequence=0,
                departement="93",
                occurred_at=instants["occurred_at"],
                cause=cause,
            )


class TestTypeName:
    def test_is_the_topic_the_class_and_the_version(self):
        for topic in TOPICS:
            for event_class in topic.event_classes():
                assert type_name(event_class) == f"{topic.name}.{event_class.__name__}.v1"

    def test_a_struct_without_a_tag_is_not_an_event(self):
        with pytest.raises(TypeError, match="not an event"):
            type_name(Cause)
