"""No patient in an event: goal, that no field can hold what describes a person who seeks care.

Method: the words of every field name, nested structs included, against a list of banned words.
The names allowed in spite of it are about organisations, tools and a law. Invented events show that
the list bites at any depth.
"""

from collections.abc import Iterator
from typing import Any, Final

import msgspec
import pytest

from contracts.recorded import Recorded, type_name
from contracts.topics import TOPICS
from tests.patient_words import tells_of_a_person

ALLOWED: Final = {
    "cpts_name": "the name of a CPTS, an organisation",
    "line_label": "what a contract calls one of its lines",
    "structure_name": "the name of a structure, an organisation",
    "tool_name": "the name of a digital tool",
    "text": "the legal text in which a rate was read",
}
EVENT_CLASSES = [event_class for topic in TOPICS for event_class in topic.event_classes()]


def field_names(type_: Any) -> Iterator[str]:
    """The field names of a struct and of every struct that one of its fields may hold."""
    yield from _names(msgspec.inspect.type_info(type_), seen=set())


def _names(info: Any, seen: set[type]) -> Iterator[str]:
    if isinstance(info, msgspec.inspect.StructType):
        if info.cls in seen:
            return
        seen.add(info.cls)
        for field in info.fields:
            yield field.name
            yield from _names(field.type, seen)
        return
    assert not isinstance(info, (msgspec.inspect.AnyType, msgspec.inspect.RawType)), (
        "a field that may hold anything may hold a patient"
    )
    for held in ("item_type", "key_type", "value_type"):
        if hasattr(info, held):
            yield from _names(getattr(info, held), seen)
    for each in (*getattr(info, "types", ()), *getattr(info, "item_types", ())):
        yield from _names(each, seen)


def banned_fields(type_: Any) -> list[str]:
    return [name for name in field_names(type_) if name not in ALLOWED and tells_of_a_person(name)]


@pytest.mark.parametrize("event_class", EVENT_CLASSES, ids=type_name)
def test_no_field_of_an_event_may_describe_a_patient(event_class: type[msgspec.Struct]):
    assert banned_fields(event_class) == []


def test_no_field_of_the_envelope_may_describe_a_patient():
    assert banned_fields(Recorded[int]) == []


def test_every_name_that_is_allowed_is_still_needed():
    used = {name for event_class in EVENT_CLASSES for name in field_names(event_class)}
    assert set(ALLOWED) <= used


def event(**fields: Any) -> type[msgspec.Struct]:
    return msgspec.defstruct("Invented", list(fields.items()), tag_field="type", tag="i.I.v1")


@pytest.mark.parametrize(
    "name",
    [
        *("patient", "patient_id", "name", "last_name", "first_name", "given", "family"),
        *("birth_on", "born_on", "birthdate", "nir", "ins", "phone", "phone_number", "email"),
        *("address", "sex", "gender", "comment", "free_text", "caller_phone", "message"),
        *("patients", "names", "phones", "dob", "caller", "beneficiaire", "assure", "ipp"),
        *("insi", "identite", "observation", "antecedents", "birthplace", "latitude"),
    ],
)
def test_a_patient_like_field_is_refused(name: str):
    assert banned_fields(event(cpts_id=str, **{name: str})) == [name]


@pytest.mark.parametrize(
    "holder",
    [
        lambda inner: inner,
        lambda inner: inner | None,
        lambda inner: tuple[inner, ...],
        lambda inner: list[inner],
        lambda inner: tuple[int, inner],
        lambda inner: dict[str, inner],
        lambda inner: event(deeper=tuple[inner, ...]),
    ],
    ids=["field", "optional", "tuple", "list", "fixed tuple", "dict", "twice nested"],
)
def test_a_patient_like_field_is_refused_at_any_depth(holder: Any):
    assert banned_fields(event(held=holder(event(birth_on=str)))) == ["birth_on"]


def test_a_field_that_may_hold_anything_is_refused():
    with pytest.raises(AssertionError, match="may hold anything"):
        banned_fields(event(extra=Any))


@pytest.mark.parametrize("name", ["cpts_name", "text", "instance", "opened_on", "finess", "rpps"])
def test_a_harmless_name_is_let_by(name: str):
    assert banned_fields(event(**{name: str})) == []
