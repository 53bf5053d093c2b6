"""Events only grow: goal, that no change of this tree breaks a body of the log or a consumer.

Method: the working tree's schemas against those of the base commit; then every kind of breaking
change, made on purpose on invented and on real events, is seen, and every harmless one is let by.
"""

import copy
import json
import subprocess
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from contracts import generate
from contracts.topics import TOPICS
from tests.contracts import compatibility
from tests.contracts.compatibility import incompatibilities

SCHEMAS = [
    generate.event_schema(event_class) for topic in TOPICS for event_class in topic.event_classes()
]
schemas = st.sampled_from(SCHEMAS).map(copy.deepcopy)


def test_this_tree_breaks_nothing_of_its_base():
    base = compatibility.base_commit()
    if base is None:
        pytest.skip("this clone holds no older commit to compare with")
    old = compatibility.schemas_at(base)
    if not old:
        pytest.skip(f"the base {base[:10]} has no schemas yet")
    new = compatibility.schemas_in(generate.CONTRACTS_DIRECTORY / "schemas")
    assert compatibility.incompatibilities_of_all(old, new) == []


def document() -> dict[str, Any]:
    text = (generate.CONTRACTS_DIRECTORY / "asyncapi.yaml").read_text("utf-8")
    return yaml.safe_load(text)


def test_this_tree_breaks_nothing_of_its_bases_channels_and_headers():
    base = compatibility.base_commit()
    old = None if base is None else compatibility.document_at(base)
    if old is None:
        pytest.skip("there is no older document to compare with")
    assert compatibility.incompatibilities_of_documents(old, document()) == []


def test_channels_and_headers_that_change_are_missed():
    new = document()
    del new["channels"]["payments"]
    new["channels"]["referrals"]["address"] = "sas"
    envelope = new["components"]["schemas"]["envelope"]
    del envelope["properties"]["ce_cause"]
    envelope["properties"]["ce_sequence"]["pattern"] = ".*"
    messages = new["components"]["messages"]
    del messages["membership.AciSigned.v1"]
    messages["membership.FinessAssigned.v1"]["headers"]["properties"]["ce_source"]["const"] = "/x"
    found = " ; ".join(compatibility.incompatibilities_of_documents(document(), new))
    for what in (
        "channel payments was removed",
        "channel referrals was referrals",
        "ce_cause was removed",
        "ce_sequence had pattern",
        "message membership.AciSigned.v1 was removed",
        "headers of membership.FinessAssigned.v1.ce_source had const",
    ):
        assert what in found


def schema(*fields: Any, name: str = "Happened") -> dict[str, Any]:
    """The schema of an invented event; a field is its name, type, and default if it has one."""
    return generate.event_schema(struct(*fields, name=name))


def struct(*fields: Any, name: str) -> type[msgspec.Struct]:
    return msgspec.defstruct(
        name, fields, frozen=True, kw_only=True, tag_field="type", tag=f"invented.{name}.v1"
    )


INNER = struct(("threshold", int), name="Inner")
INNER_RETYPED = struct(("threshold", str), name="Inner")

BREAKING = {
    "removed field": ([("a", int)], [], ["a was removed"]),
    "removed optional field": ([("a", int, 0)], [], ["a was removed"]),
    "renamed field": ([("a", int)], [("b", int)], ["a was removed", "b is now required"]),
    "new required field": ([], [("a", int)], ["a is now required"]),
    "other default": ([("a", int, 0)], [("a", int, 5)], ["a had default 0 and has 5"]),
    "new bound": (
        [("a", int)],
        [("a", Annotated[int, msgspec.Meta(ge=1)])],
        ["a had minimum None and has 1"],
    ),
    "shorter text": (
        [("a", Annotated[str, msgspec.Meta(max_length=9)])],
        [("a", Annotated[str, msgspec.Meta(max_length=8)])],
        ["a had maxLength 9 and has 8"],
    ),
    "default taken away": (
        [("a", int, 0)],
        [("a", int)],
        ["a is now required", "a had default 0 and has None"],
    ),
    "requirement taken away": (
        [("a", int)],
        [("a", int, 0)],
        ["a is no longer required", "a had default None and has 0"],
    ),
    "changed type": ([("a", int)], [("a", str)], ["a had type 'integer' and has 'string'"]),
    "changed format": ([("a", str)], [("a", date)], ["a had format None and has 'date'"]),
    "may now be null": ([("a", int)], [("a", int | None)], ["a may now also be null"]),
    "may no longer be null": ([("a", int | None)], [("a", int)], ["a may no longer be null"]),
    "changed type in an alternative": (
        [("a", int | None)],
        [("a", str | None)],
        ["a may no longer be integer", "a may now also be string"],
    ),
    "narrowed words": (
        [("a", Literal["x", "y"])],
        [("a", Literal["x"])],
        ["a may no longer be 'y'"],
    ),
    "widened closed words": (
        [("a", Literal["x"])],
        [("a", Literal["x", "y"])],
        ["a may now also be 'y'"],
    ),
    "text made words": (
        [("a", str)],
        [("a", Literal["x"])],
        ["a had type 'string' and has None", "a was one of 'any', is one of ['x']"],
    ),
    "change in a nested struct": (
        [("a", INNER)],
        [("a", INNER_RETYPED)],
        ["a.threshold had type 'integer' and has 'string'"],
    ),
    "change in a list of structs": (
        [("a", tuple[INNER, ...])],
        [("a", tuple[INNER_RETYPED, ...])],
        ["a[].threshold had type 'integer' and has 'string'"],
    ),
    "change in an optional struct": (
        [("a", INNER | None)],
        [("a", INNER_RETYPED | None)],
        ["a.threshold had type 'integer' and has 'string'"],
    ),
}


@pytest.mark.parametrize(("old", "new", "said"), BREAKING.values(), ids=BREAKING)
def test_a_breaking_change_is_said(old: list[Any], new: list[Any], said: list[str]):
    found = incompatibilities(schema(*old), schema(*new))
    assert sorted(each.removeprefix("invented.Happened.v1.") for each in found) == sorted(said)


def test_a_removed_event_type_is_said():
    old = {"a.json": schema(name="Stayed"), "b.json": schema(name="Left")}
    new = {"a.json": schema(name="Stayed"), "c.json": schema(("a", int), name="Came")}
    assert compatibility.incompatibilities_of_all(old, new) == ["invented.Left.v1 was removed"]


def test_a_changed_tag_is_another_event():
    renamed = {**schema(), "properties": {"type": {"enum": ["invented.Happened.v2"]}}}
    assert incompatibilities(schema(), renamed) != []


@given(schemas)
def test_an_event_is_compatible_with_itself(event: dict[str, Any]):
    assert incompatibilities(event, copy.deepcopy(event)) == []


@given(schemas, st.text(min_size=1), st.sampled_from([{"type": "integer"}, {"type": "string"}]))
def test_a_new_optional_field_is_compatible(
    event: dict[str, Any], name: str, field: dict[str, Any]
):
    grown = copy.deepcopy(event)
    grown["properties"].setdefault(f"new_{name}", field)
    assert incompatibilities(event, grown) == []


@given(schemas)
def test_other_texts_are_compatible(event: dict[str, Any]):
    assert incompatibilities(event, {**event, "description": "Said better."}) == []


@given(st.data(), schemas)
def test_any_field_of_a_real_event_is_missed_when_it_is_removed(
    data: st.DataObject, event: dict[str, Any]
):
    name = data.draw(st.sampled_from(sorted(event["properties"])))
    shrunk = copy.deepcopy(event)
    del shrunk["properties"][name]
    shrunk["required"] = [each for each in shrunk["required"] if each != name]
    assert f"{event['title']}.{name} was removed" in incompatibilities(event, shrunk)


@given(st.data(), schemas)
def test_any_field_of_a_real_event_is_missed_when_it_has_another_type(
    data: st.DataObject, event: dict[str, Any]
):
    name = data.draw(st.sampled_from(sorted(event["properties"])))
    retyped = copy.deepcopy(event)
    retyped["properties"][name] = {"type": "object"}
    assert incompatibilities(event, retyped) != []


class TestTheBase:
    @pytest.fixture
    def repository(self, tmp_path: Path) -> Path:
        self.git(tmp_path, "init", "-q", "-b", "main")
        return tmp_path

    @staticmethod
    def git(repository: Path, *arguments: str) -> str:
        identity = ["-c", "user.name=a", "-c", "user.email=a@b.example", "-c", "gc.auto=0"]
        command = ["git", "-C", str(repository), *identity, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def commit(self, repository: Path, text: str) -> str:
        folder = repository / compatibility.SCHEMAS
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "a.json").write_text(json.dumps({"title": text}), encoding="utf-8")
        self.git(repository, "add", "-A")
        self.git(repository, "commit", "-q", "-m", text)
        return self.git(repository, "rev-parse", "HEAD")

    def test_there_is_none_before_the_second_commit(self, repository: Path):
        assert compatibility.base_commit(repository) is None
        self.commit(repository, "first")
        assert compatibility.base_commit(repository) is None

    def test_on_main_it_is_the_parent(self, repository: Path):
        first = self.commit(repository, "first")
        self.commit(repository, "second")
        assert compatibility.base_commit(repository) == first
        assert compatibility.schemas_at(first, repository) == {"a.json": {"title": "first"}}

    def test_in_a_fresh_clone_of_main_it_is_the_parent(self, repository: Path, tmp_path: Path):
        first = self.commit(repository, "first")
        self.commit(repository, "second")
        clone = tmp_path / "clone"
        self.git(repository, "clone", "-q", str(repository), str(clone))
        assert compatibility.base_commit(clone) == first

    def test_on_a_branch_it_is_where_the_branch_left_main(self, repository: Path):
        self.commit(repository, "first")
        left = self.commit(repository, "second")
        self.git(repository, "switch", "-q", "-c", "topic")
        self.commit(repository, "on the branch")
        self.commit(repository, "again on the branch")
        assert compatibility.base_commit(repository) == left

    def test_a_commit_without_schemas_has_none(self, repository: Path):
        self.git(repository, "commit", "-q", "--allow-empty", "-m", "empty")
        head = self.git(repository, "rev-parse", "HEAD")
        assert compatibility.schemas_at(head, repository) == {}
