"""The map of the log: goal, that every topic has one writer, known readers, and a key that routes.

Method: the map against itself, the table of départements and the struct of every event.
"""

import collections
import re

import msgspec
import pytest

from contracts.departements import DEPARTEMENTS, partition_of
from contracts.recorded import Recorded, type_name
from contracts.topics import KEEP_FOR_EVER_MS, TOPICS, Topic, topic_of

EVENT_CLASSES = [event_class for topic in TOPICS for event_class in topic.event_classes()]


def test_each_topic_has_one_producer_and_each_producer_one_topic():
    assert len({topic.name for topic in TOPICS}) == len(TOPICS)
    assert len({topic.producer for topic in TOPICS}) == len(TOPICS)
    for topic in TOPICS:
        assert topic_of(topic.producer) is topic


def test_a_service_that_writes_nothing_has_no_topic():
    with pytest.raises(KeyError):
        topic_of("workspace")


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_its_consumers_are_other_producers_each_named_once(topic: Topic):
    assert set(topic.consumers) <= {each.producer for each in TOPICS} - {topic.producer}
    assert len(set(topic.consumers)) == len(topic.consumers)


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_it_keeps_everything_and_says_why_its_key(topic: Topic):
    assert topic.retention_ms == KEEP_FOR_EVER_MS
    assert topic.why_key
    assert topic.key in Recorded.__struct_fields__


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_it_gives_every_departement_a_partition_of_its_own(topic: Topic):
    partitions = [partition_of(row.code, topic.partitions) for row in DEPARTEMENTS]
    assert len(set(partitions)) == len(DEPARTEMENTS)


def test_no_event_is_said_on_two_topics():
    counts = collections.Counter(type_name(event_class) for event_class in EVENT_CLASSES)
    assert [name for name, count in counts.items() if count > 1] == []


@pytest.mark.parametrize("event_class", EVENT_CLASSES, ids=type_name)
def test_an_event_is_a_frozen_keyword_only_struct_that_says_what_it_means(
    event_class: type[msgspec.Struct],
):
    config = event_class.__struct_config__
    assert config.frozen
    assert config.tag_field == "type"
    assert not config.forbid_unknown_fields
    assert event_class.__doc__
    with pytest.raises(TypeError, match="positional"):
        event_class("positional")


@pytest.mark.parametrize("event_class", EVENT_CLASSES, ids=type_name)
def test_an_instant_ends_in_at_a_day_in_on_a_flag_begins_with_is(
    event_class: type[msgspec.Struct],
):
    for field in msgspec.structs.fields(event_class):
        kinds = str(field.type)
        assert ("datetime.datetime" in kinds) == (
            field.name.endswith("_at") or field.name in {"see_by", "answer_by"}
        ), field.name
        # A day, or the several days of one field.
        is_of_days = re.search(r"datetime\.date\b", kinds) is not None
        assert is_of_days == field.name.endswith("_on"), field.name
        assert (field.type is bool) == field.name.startswith(("is_", "has_")), field.name
