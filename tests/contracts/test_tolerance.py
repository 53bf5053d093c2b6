"""Consumers outlive events: goal, that what a newer producer adds stops nobody.

Method: every example with an unknown field added decodes to the same event, at any depth; an
unknown type is told apart from a broken body by its tag alone; a field of another type is a breach.
"""

from typing import Any

import msgspec
import pytest

from contracts.topics import TOPICS, Topic
from tests import examples

NAMES = examples.names()


class Tagged(msgspec.Struct, frozen=True, kw_only=True):
    """What a consumer needs of a body to pass over it."""

    type: str


def with_unknown_fields(value: Any) -> Any:
    if isinstance(value, dict):
        grown = {key: with_unknown_fields(each) for key, each in value.items()}
        return {**grown, "field_of_a_later_version": {"any": ["thing"]}}
    if isinstance(value, list):
        return [with_unknown_fields(each) for each in value]
    return value


@pytest.mark.parametrize("name", NAMES)
def test_unknown_fields_change_nothing(name: str):
    body = msgspec.json.encode(with_unknown_fields(examples.body(name)))
    topic = examples.topic_of_example(name)
    assert msgspec.json.decode(body, type=topic.event) == examples.recorded(name).event


@pytest.mark.parametrize("name", NAMES)
def test_fields_with_a_default_may_be_absent(name: str):
    event = examples.recorded(name).event
    required = {field.name for field in msgspec.structs.fields(event) if field.required} | {"type"}
    body = {key: value for key, value in examples.body(name).items() if key in required}
    topic = examples.topic_of_example(name)
    assert type(msgspec.convert(body, type=topic.event)) is type(event)


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_an_unknown_type_is_known_as_such_before_its_body_is_read(topic: Topic):
    body = msgspec.json.encode({"type": f"{topic.name}.Invented.v1", "anything": [1, {"a": None}]})
    assert msgspec.json.decode(body, type=Tagged).type not in topic.event_types()
    with pytest.raises(msgspec.ValidationError, match="Invalid value"):
        msgspec.json.decode(body, type=topic.event)


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("indicators/FigureChanged.v1.fact-counted", "value", "1"),
        ("indicators/FigureChanged.v1.fact-counted", "value", 1.5),
        ("indicators/FigureChanged.v1.fact-counted", "contract_year_starts_on", "1 décembre"),
        ("membership/MemberRecorded.v1.withdrawn", "is_withdrawn", "true"),
        ("referrals/PlatformAppointmentReported.v1.ps", "status", "lost"),
        ("payments/ContractLineSet.v1.steps", "mode", "sometimes"),
    ],
)
def test_a_field_of_another_type_is_a_breach(name: str, field: str, value: Any):
    body = msgspec.json.encode({**examples.body(name), field: value})
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(body, type=examples.topic_of_example(name).event, strict=True)
