"""The generated documents: goal, that what is committed is what the events say today.

Method: regenerate and compare byte for byte; validate the schemas against their dialect; follow
every reference of the AsyncAPI document and hold its channels and operations against the topics.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
import yaml

from contracts import generate
from contracts.recorded import Recorded, type_name
from contracts.topics import TOPICS, Topic
from services.messaging.codec import encode_headers
from tests import examples

EVENT_CLASSES = [event_class for topic in TOPICS for event_class in topic.event_classes()]
HEADERS = {
    *("ce_specversion", "ce_id", "ce_type", "ce_source", "ce_subject", "ce_time"),
    *("ce_recordedat", "ce_sequence", "ce_cause", "traceparent", "content-type"),
}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    text = (generate.CONTRACTS_DIRECTORY / "asyncapi.yaml").read_text("utf-8")
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for each in value.values():
            yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


def outbox_row(recorded: Recorded[Any]) -> dict[str, Any]:
    return {**msgspec.structs.asdict(recorded), "type": recorded.type}


def lookup(document: dict[str, Any], pointer: str) -> Any:
    found: Any = document
    for step in pointer.removeprefix("#/").split("/"):
        found = found[step]
    return found


class TestRegeneration:
    def test_it_equals_what_is_committed(self):
        assert generate.outdated() == [], "run `uv run python -m contracts.generate` and commit"

    def test_twice_gives_the_same_bytes(self):
        assert generate.documents() == generate.documents()

    def test_a_changed_missing_or_left_over_document_is_seen_and_mended(self, tmp_path: Path):
        generate.write(tmp_path)
        assert generate.outdated(tmp_path) == []
        schemas = sorted((tmp_path / "schemas").iterdir())
        schemas[0].write_text("{}", encoding="utf-8")
        schemas[1].unlink()
        (tmp_path / "schemas" / "membership.Forgotten.v1.json").write_text("{}", encoding="utf-8")
        assert len(generate.outdated(tmp_path)) == 3
        assert len(generate.write(tmp_path)) == 3
        assert generate.outdated(tmp_path) == []

    def test_the_command_succeeds_when_everything_is_current(self):
        command = [sys.executable, "-m", "contracts.generate", "--check"]
        root = generate.CONTRACTS_DIRECTORY.parent
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

    def test_the_command_fails_and_names_what_is_outdated(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
    ):
        outdated = generate.outdated(tmp_path)
        monkeypatch.setattr(generate, "outdated", lambda: outdated)
        monkeypatch.setattr(sys, "argv", ["generate", "--check"])
        assert generate.main() == 1
        assert "outdated: contracts/asyncapi.yaml" in capsys.readouterr().out


class TestSchemas:
    @pytest.mark.parametrize("event_class", EVENT_CLASSES, ids=type_name)
    def test_a_schema_is_valid_in_its_dialect_and_its_references_resolve(
        self, event_class: type[msgspec.Struct]
    ):
        schema = generate.event_schema(event_class)
        assert schema["$schema"] == generate.DIALECT
        jsonschema.Draft202012Validator.check_schema(schema)
        for reference in references(schema):
            assert lookup(schema, reference)

    @pytest.mark.parametrize("event_class", EVENT_CLASSES, ids=type_name)
    def test_a_schema_leaves_unknown_fields_alone(self, event_class: type[msgspec.Struct]):
        assert "additionalProperties" not in str(generate.event_schema(event_class))


class TestAsyncapi:
    def test_every_reference_leads_somewhere(self, document: dict[str, Any]):
        found = list(references(document))
        assert found
        for reference in found:
            if reference.startswith("./"):
                assert (generate.CONTRACTS_DIRECTORY / reference).is_file(), reference
            else:
                assert lookup(document, reference), reference

    def test_it_has_the_members_that_version_3_asks_for(self, document: dict[str, Any]):
        assert document["asyncapi"] == "3.0.0"
        assert {"title", "version"} <= set(document["info"])
        for operation in document["operations"].values():
            assert operation["action"] in {"send", "receive"}
            assert operation["channel"]["$ref"].startswith("#/channels/")
        for message in document["components"]["messages"].values():
            assert {"schemaFormat", "schema"} == set(message["payload"])

    @pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
    def test_a_channel_is_its_topic(self, document: dict[str, Any], topic: Topic):
        channel = document["channels"][topic.name]
        kafka = channel["bindings"]["kafka"]
        assert channel["address"] == kafka["topic"] == topic.name
        assert kafka["partitions"] == topic.partitions
        assert kafka["topicConfiguration"]["retention.ms"] == topic.retention_ms
        assert tuple(channel["messages"]) == topic.event_types()
        assert topic.key in channel["description"]

    @pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
    def test_the_producer_sends_and_the_consumers_receive(
        self, document: dict[str, Any], topic: Topic
    ):
        of_topic = {
            name: operation["action"]
            for name, operation in document["operations"].items()
            if operation["channel"]["$ref"] == f"#/channels/{topic.name}"
        }
        receives = {f"{consumer}.hears.{topic.name}": "receive" for consumer in topic.consumers}
        assert of_topic == {f"{topic.producer}.says": "send", **receives}

    def test_every_message_carries_the_envelope_and_its_own_type(self, document: dict[str, Any]):
        envelope = document["components"]["schemas"]["envelope"]
        assert set(envelope["properties"]) == HEADERS
        assert set(envelope["required"]) == HEADERS - {"traceparent"}
        for name, message in document["components"]["messages"].items():
            assert message["headers"]["allOf"] == [{"$ref": "#/components/schemas/envelope"}]
            assert message["headers"]["properties"]["ce_type"] == {"const": name}

    @pytest.mark.parametrize("name", examples.names())
    def test_the_headers_that_the_codec_writes_are_those_of_the_document(
        self, document: dict[str, Any], name: str
    ):
        recorded = outbox_row(examples.recorded(name))
        source = examples.topic_of_example(name).producer
        headers = {key: value.decode() for key, value in encode_headers(source, recorded)}
        message = document["components"]["messages"][recorded["type"]]
        schema = {**message["headers"], "allOf": [document["components"]["schemas"]["envelope"]]}
        jsonschema.Draft202012Validator(
            schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
        ).validate(headers)
        assert set(headers) <= HEADERS
