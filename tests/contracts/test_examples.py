"""The examples: goal, that producers and consumers mean the same thing by an event.

Method: every file is decoded strictly, encoded again, and held against the committed schema, so a
new file or a new event is under all of these tests by itself.
"""

import importlib
import json
from datetime import UTC
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from contracts.departements import departements_by_code
from contracts.generate import CONTRACTS_DIRECTORY, schema_path
from contracts.recorded import type_name
from contracts.topics import TOPICS, Topic
from services.messaging.codec import Decoder, encode_headers
from services.messaging.dead_letters import KeptRecord
from services.messaging.outbox import make_rows
from tests import examples
from tests.contracts.test_tolerance import with_unknown_fields

NAMES = examples.names()
EVENT_CLASSES = [event_class for topic in TOPICS for event_class in topic.event_classes()]


def committed_schema(event_class: type[msgspec.Struct]) -> dict[str, Any]:
    return json.loads((CONTRACTS_DIRECTORY / schema_path(event_class)).read_text("utf-8"))


def validator(event_class: type[msgspec.Struct]) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(
        committed_schema(event_class),
        format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER,
    )


@pytest.mark.parametrize("name", NAMES)
def test_an_example_decodes_strictly_and_encodes_to_the_same_json(name: str):
    event = examples.recorded(name).event
    assert json.loads(msgspec.json.encode(event)) == examples.body(name)


@pytest.mark.parametrize("name", NAMES)
def test_an_example_satisfies_the_committed_schema(name: str):
    event_class = type(examples.recorded(name).event)
    validator(event_class).validate(examples.body(name))


@pytest.mark.parametrize("name", NAMES)
def test_the_schema_refuses_an_example_whose_fields_have_other_types(name: str):
    event_class = type(examples.recorded(name).event)
    body = examples.body(name)
    for field in committed_schema(event_class)["required"]:
        with pytest.raises(jsonschema.ValidationError):
            validator(event_class).validate({**body, field: {"not": "this"}})
        with pytest.raises(jsonschema.ValidationError):
            validator(event_class).validate({k: v for k, v in body.items() if k != field})


@pytest.mark.parametrize("name", NAMES)
def test_an_example_is_named_after_its_topic_event_and_case(name: str):
    topic, _, file_name = name.partition("/")
    event_name, version, case = file_name.split(".")
    assert examples.recorded(name).type == f"{topic}.{event_name}.{version}"
    assert case == case.lower()


@pytest.mark.parametrize("name", NAMES)
def test_an_example_says_in_one_sentence_what_existing_consumers_rely_on(name: str):
    example = examples.example(name)
    assert set(example.relied_on_by) <= set(examples.topic_of_example(name).consumers)
    assert example.why.endswith(".")
    assert "\n" not in example.why


@pytest.mark.parametrize("name", NAMES)
def test_an_example_has_an_envelope_that_a_producer_could_have_written(name: str):
    recorded = examples.recorded(name)
    assert recorded.sequence >= 1
    assert recorded.occurred_at.tzinfo is not None
    assert recorded.recorded_at.astimezone(UTC) >= recorded.occurred_at.astimezone(UTC)
    assert recorded.departement in departements_by_code()


RELIED_ON = [(name, consumer) for name in NAMES for consumer in examples.example(name).relied_on_by]


@pytest.mark.parametrize(("name", "consumer"), RELIED_ON)
def test_an_example_is_understood_by_each_consumer_that_relies_on_it(name: str, consumer: str):
    """As a record of the log, with a field and a header that a later version adds."""
    topic = examples.topic_of_example(name)
    service = importlib.import_module(f"services.{consumer}.app").SERVICE
    (hears,) = (hears for hears in service.hears if hears.topic is topic)
    said = examples.recorded(name)
    (row,) = make_rows([said], topic.partitions)
    body = with_unknown_fields(examples.body(name))
    record = KeptRecord(
        topic=topic.name,
        partition=row["partition"],
        offset=0,
        key=said.departement.encode(),
        value=msgspec.json.encode(body),
        headers=(*encode_headers(topic.producer, row), ("ce_later", b"more")),
    )
    assert Decoder(topic, hears.understands).decode(record) == said


@pytest.mark.parametrize("event_class", EVENT_CLASSES, ids=type_name)
def test_every_event_type_has_an_example(event_class: type[msgspec.Struct]):
    assert type_name(event_class) in {recorded.type for recorded in examples.all_recorded()}


@pytest.mark.parametrize(
    ("topic", "consumer"),
    [(topic, consumer) for topic in TOPICS for consumer in topic.consumers],
    ids=lambda each: each.name if isinstance(each, Topic) else each,
)
def test_every_consumer_relies_on_an_example_of_the_topic(topic: Topic, consumer: str):
    relied_on = [n for n in examples.names(topic) if consumer in examples.example(n).relied_on_by]
    assert relied_on, f"{consumer} hears {topic.name} and relies on no example of it"


def test_every_file_of_the_folder_is_an_example_of_a_topic():
    files = [path for path in examples.DIRECTORY.rglob("*") if path.is_file()]
    stems = [path.relative_to(examples.DIRECTORY).with_suffix("").as_posix() for path in files]
    assert sorted(stems) == NAMES
    assert {path.suffix for path in files} == {".json"}


def test_an_example_with_a_field_of_no_event_would_be_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    name = "membership/FinessAssigned.v1.after-registration"
    whole = json.loads((examples.DIRECTORY / f"{name}.json").read_text("utf-8"))
    whole["event"]["colour"] = "red"
    (tmp_path / "membership").mkdir()
    (tmp_path / f"{name}.json").write_text(json.dumps(whole), encoding="utf-8")
    monkeypatch.setattr(examples, "DIRECTORY", tmp_path)
    with pytest.raises(AssertionError):
        test_an_example_decodes_strictly_and_encodes_to_the_same_json(name)
