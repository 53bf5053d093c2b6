"""The OpenAPI document of each service: goal, that a program can be written from it alone.

Method: every operation of every service, held against what orders, errors and answers all have.
"""

import importlib
from collections.abc import Iterator
from typing import Any

import pytest
from litestar import Litestar
from litestar.openapi import OpenAPIConfig

from contracts import topics
from services.messaging.declared import Service
from services.messaging.documents import documented, labels_of
from services.messaging.routes import ROUTES

Operation = dict[str, Any]


SERVICES = [
    importlib.import_module(f"services.{topic.producer}.app").SERVICE for topic in topics.TOPICS
]


def operations() -> Iterator[tuple[str, str, Operation]]:
    """Every operation of every service: service, method and path, what is said of it."""
    for service in SERVICES:
        app = Litestar(
            documented([*ROUTES, *service.routes], labels_of(service.labels)),
            openapi_config=OpenAPIConfig(title=service.name, version="1"),
        )
        for path, item in app.openapi_schema.to_schema()["paths"].items():
            for method, operation in item.items():
                yield service.name, f"{method.upper()} {path}", operation


ALL = list(operations())
# The doors of the SAS platforms follow FHIR: another form of errors, no role, conditional orders.
DOORS = [one for one in ALL if " /fhir/" in one[1]]
OPERATIONS = [one for one in ALL if one not in DOORS]
ORDERS = [one for one in OPERATIONS if not one[1].startswith("GET ")]
QUESTIONS = [one for one in OPERATIONS if one[1].startswith("GET ")]
every = pytest.mark.parametrize(
    ("service", "name", "operation"), OPERATIONS, ids=[f"{one[0]} {one[1]}" for one in OPERATIONS]
)
every_order = pytest.mark.parametrize(
    ("service", "name", "operation"), ORDERS, ids=[f"{one[0]} {one[1]}" for one in ORDERS]
)
every_door = pytest.mark.parametrize(
    ("service", "name", "operation"), DOORS, ids=[one[1] for one in DOORS]
)
every_question = pytest.mark.parametrize(
    ("service", "name", "operation"), QUESTIONS, ids=[f"{one[0]} {one[1]}" for one in QUESTIONS]
)


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_each_operation_has_its_french_label_and_each_label_its_operation(service: Service) -> None:
    said = {name: operation.get("summary") for of, name, operation in ALL if of == service.name}
    assert said == labels_of(service.labels)
    assert len(set(said.values())) == len(said), "two operations under one label"


@every
def test_an_answer_has_a_shape(service: str, name: str, operation: Operation) -> None:
    answers = {status: one for status, one in operation["responses"].items() if status[0] == "2"}
    assert answers
    for status, answer in answers.items():
        (schema,) = [content["schema"] for content in answer["content"].values()]
        assert schema, f"{status} may be anything"
        assert answer["description"]


@every
def test_an_error_is_a_problem(service: str, name: str, operation: Operation) -> None:
    errors = {status: one for status, one in operation["responses"].items() if status[0] != "2"}
    for status, error in errors.items():
        assert list(error["content"]) == ["application/problem+json"], status
        schema = error["content"]["application/problem+json"]["schema"]
        assert schema == {"$ref": "#/components/schemas/Problem"}


@every_order
def test_an_order_says_its_headers_its_body_and_its_refusals(
    service: str, name: str, operation: Operation
) -> None:
    headers = {one["name"]: one for one in operation["parameters"] if one["in"] == "header"}
    assert headers.keys() == {"Acting-Role", "Acting-Cpts", "Acting-Person", "Idempotency-Key"}
    assert not [one for one in headers.values() if one["required"]], "our own refusal must answer"
    assert headers["Acting-Role"]["schema"]["enum"] == [
        *("cpts", "caisse", "ars", "regulation", "system"),
    ]
    assert operation["responses"].keys() >= {"400", "403", "404", "409", "422", "503"}
    for status, answer in operation["responses"].items():
        assert ("Idempotent-Replay" in answer.get("headers", {})) == (status[0] == "2"), status
    if not name.endswith(("/replay", "/resend")) and not name.startswith("DELETE "):
        assert operation["requestBody"]["required"]
        contents = operation["requestBody"]["content"].values()
        assert contents
        assert all(content["schema"] for content in contents)


@every_question
def test_a_question_says_what_may_be_wrong(service: str, name: str, operation: Operation) -> None:
    statuses = operation["responses"].keys()
    assert "503" in statuses
    assert ("404" in statuses) == ("{" in name)
    assert ("400" in statuses) == bool(operation.get("parameters"))
    assert statuses <= {"200", "400", "404", "503"}


@every_door
def test_a_door_answers_fhir_and_tells_errors_as_outcomes(
    service: str, name: str, operation: Operation
) -> None:
    assert service == "gateway"
    fhir = "application/fhir+json"
    for status, answer in operation["responses"].items():
        assert answer["description"], status
        assert list(answer["content"]) == [fhir], status
        schema = answer["content"][fhir]["schema"]
        assert schema, f"{status} may be anything"
        if status[0] != "2":
            assert schema == {"$ref": "#/components/schemas/OperationOutcome"}
    statuses = operation["responses"].keys()
    assert "503" in statuses
    if name.startswith(("POST ", "PUT ")):
        assert statuses >= {"400", "413", "415", "422"}
        assert operation["requestBody"]["required"]
        (content,) = operation["requestBody"]["content"].values()
        assert content["schema"]
    else:
        assert ("404" in statuses) == ("{" in name)
        assert ("400" in statuses) == bool(operation.get("parameters"))
