"""Hub Santé messages are read as the published schemas, examples and failing cases say.

The published files are not part of this repository; without them these tests are skipped.
"""

import copy
import json
import re
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from services.referrals.domain.hub_message import (
    HubCode,
    HubMessage,
    HubRefusal,
)
from services.referrals.domain.hub_reading import (
    read_message,
    without_identities,
)

INTEROP = Path(__file__).parents[2].parent / "shared" / "interop"
HUB = INTEROP / "hub-sante"
LRM = INTEROP / "sas-fhir" / "lrm-messages"
pytestmark = pytest.mark.skipif(not HUB.is_dir(), reason=f"no published Hub Santé files at {HUB}")

RECEIVED_AT = datetime(2026, 1, 15, 9, 0, tzinfo=UTC)
MESSAGE = "$.content[0].jsonContent.embeddedJsonContent.message"
FOR_EVER = timedelta(days=36_500)  # the clock is not what the schemas are about
NO_SCHEMA = "Could not detect any schemas in the message, at least one is required"
IDENTITIES = ("MOREL", "Didier", "DENTAIRE", "RICART", "Pauline", "ghsas.fr")


def read(path: Path) -> HubMessage | HubRefusal:
    return read_message(path.read_bytes(), received_at=RECEIVED_AT, tolerance=FOR_EVER)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("PS.01", ("CreateAppointment", "booked", "PS", "810005681340", None)),
        ("PS.01-MAJ", ("UpdateAppointment", "cancelled", "PS", "810005681340", None)),
        ("SOS.01", ("CreateAppointment", "pending", "SOS", None, None)),
        ("CDS.01", ("CreateAppointment", "booked", "CDS", None, "1050005917")),
    ],
)
def test_the_published_appointments_are_taken(name: str, told: tuple[str | None, ...]) -> None:
    message = read(HUB / "examples" / f"RS-SAS-RDV_appointment_{name}.json")
    assert isinstance(message, HubMessage)
    read_as = message.appointment
    assert told == (
        *(read_as.method, read_as.status, read_as.category),
        *(read_as.rpps, read_as.finess),
    )


# Why each code: in the first seven the envelope or the header breaks its schema. In the next the
# header is right and nothing follows it. In the last the header is right too; the faults told by
# the Hub are those of a technical content whose schema we do not know, so that for us it is 301.
FAILING = {
    "error-in-envelope": 300,
    "missing-EDXL-required-field": 300,
    "unknown-property-at-root": 300,
    "completely-missing-RC-DE": 300,
    "error-in-RC-DE": 300,
    "invalid-header": 300,
    "no-schemas": 301,
    "multiple-errors-in-content": 301,
}


def reasons_told_by_the_hub(name: str) -> set[str]:
    reasons, prefix = set(), ""
    for line in (HUB / "failing" / f"{name}.json.errors").read_text().splitlines()[1:]:
        if line.startswith("Issues found on the "):
            prefix = f"{MESSAGE}." if MESSAGE in line else ""
        else:
            reasons.add(prefix + line.removeprefix(" - ") if line[0] == " " else line.strip())
    return reasons


@pytest.mark.parametrize("name", FAILING)
def test_each_failing_message_gets_its_code_and_the_hub_s_own_reasons(name: str) -> None:
    refusal = read(HUB / "failing" / f"{name}.json")
    assert isinstance(refusal, HubRefusal)
    assert refusal.code == FAILING[name]
    is_foreign_content = name == "multiple-errors-in-content"
    expected = {NO_SCHEMA} if is_foreign_content else reasons_told_by_the_hub(name)
    assert set(refusal.reasons) == expected


def test_every_published_failing_message_has_its_row() -> None:
    assert {path.stem for path in (HUB / "failing").glob("*.json")} == FAILING.keys()


@pytest.mark.parametrize(("name", "code"), [("EDXL-DE", 300), ("RC-REF", 300), ("RS-ERROR", 300)])
def test_the_other_published_examples_are_refused(name: str, code: int) -> None:
    refusal = read(HUB / "examples" / f"{name}.json")
    assert isinstance(refusal, HubRefusal)
    assert refusal.code == code


@pytest.mark.skipif(not LRM.is_dir(), reason=f"no examples of the implementation guide at {LRM}")
def test_the_guide_s_examples_are_judged_by_the_schemas() -> None:
    assert isinstance(read(LRM / "01-CreateAppointment-booked.json"), HubMessage)
    assert isinstance(read(LRM / "03-UpdateAppointment-cancelled.json"), HubMessage)
    report = read(LRM / "04-Report-appointment.json")
    assert isinstance(report, HubRefusal)
    assert report.reasons == (f"{MESSAGE}.appointment.regulator: is missing but it is required",)
    acknowledgement = read(LRM / "06-Ack-reference.json")
    assert isinstance(acknowledgement, HubRefusal)
    assert acknowledgement.code is HubCode.SCHEMA_NOT_FOUND


@pytest.mark.skipif(not LRM.is_dir(), reason=f"no examples of the implementation guide at {LRM}")
def test_our_reason_for_a_wrong_category_is_the_hub_s() -> None:
    told = json.loads((LRM / "07-Error-error.json").read_bytes())["content"][0]
    error = told["jsonContent"]["embeddedJsonContent"]["message"]["error"]
    source = read_message(
        json.dumps(error["sourceMessage"]).encode(), received_at=RECEIVED_AT, tolerance=FOR_EVER
    )
    assert isinstance(source, HubRefusal)
    found = re.findall(r" - (appointment.*)", error["errorCause"])
    assert set(source.reasons) >= {f"{MESSAGE}.{reason}" for reason in found}


# Any message: the published schemas, run by `jsonschema`, and we agree on what is valid


def is_stricter_here(answer: HubMessage | HubRefusal) -> bool:
    """Whether it is refused for what the schemas allow and we do not keep."""
    reasons = answer.reasons if isinstance(answer, HubRefusal) else ()
    return any("out of the years" in one or "is no identifier" in one for one in reasons)


@cache
def validator(name: str) -> Draft7Validator:
    schema = json.loads((HUB / "schemas" / f"{name}.schema.json").read_bytes())
    del schema["$id"]  # the envelope's is that of the metaschema, and would resolve to it
    return Draft7Validator(schema, format_checker=Draft7Validator.FORMAT_CHECKER)


def is_valid_by_schemas(told: dict[str, Any]) -> bool:
    if not validator("EDXL-DE-envelope-only").is_valid(told):
        return False
    message = told["content"][0]["jsonContent"]["embeddedJsonContent"].get("message")
    return (
        isinstance(message, dict)
        and validator("RC-DE").is_valid(message)
        and "appointment" in message
        and isinstance(message["appointment"], dict)
        and validator("RS-SAS-RDV").is_valid(message["appointment"])
    )


@cache
def valid_text() -> str:
    def published(path: str) -> Any:
        return json.loads((HUB / path).read_bytes())

    told = published("failing/no-schemas.json")
    appointment = published("examples/RS-SAS-RDV_appointment_PS.01.json")["appointment"]
    other = published("examples/RS-SAS-RDV_appointment_CDS.01.json")["appointment"]
    appointment["organization"] = other["organization"]
    told["content"][0]["jsonContent"]["embeddedJsonContent"]["message"]["appointment"] = appointment
    return json.dumps(told)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every (container, key or index) of a message, outermost first."""
    keys = value if isinstance(value, dict) else range(len(value) if type(value) is list else 0)
    return [place for key in keys for place in [(value, key), *places(value[key])]]


RFC_3339_LIKE = (
    r"[12][0-9]{3}-[01][0-9]-[0-3][0-9][Tt ][0-2][0-9]:[0-6][0-9]:[0-6][0-9]"
    r"(\.[0-9]{1,9})?([zZ]|[-+][0-2][0-9]:[0-6][0-9])?"
)
WORDS = [
    *["Report", "Update", "Cancel", "Ack", "Error", "report"],
    *["Actual", "Exercise", "System", "actual"],
    *["CreateAppointment", "UpdateAppointment", "DeleteAppointment"],
    *["pending", "booked", "fulfilled", "noshow", "cancelled", "Booked"],
    *["CPTS", "MSP", "CDS", "SOS", "PS", "PDM", "604"],
    *["810005681340", "820005681340", "8100056813401", "81000568134", "10005681340"],
    *["2025-02-29T10:00:00+01:00", "2024-02-29T10:00:00+01:00", "2025-06-17T10:15:00Z"],
    *["2025-06-17T10:15:00-00:00", "2025-06-17T24:00:00+00:00", "2025-06-17T10:15:00+24:00"],
    *["2025-06-17T10:15:00.123+02:00", "2025-06-17", "20250617T101500+0200"],
]
VALUES: st.SearchStrategy[Any] = (
    st.sampled_from([None, True, 0, 1.5, [], {}, [{}], [""], {"appointment": {}}])
    | st.sampled_from(WORDS)
    | st.from_regex(RFC_3339_LIKE, fullmatch=True)
    | st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=20)
).map(copy.deepcopy)  # a sample that is then changed in place would change the next draw


@st.composite
def mutated_messages(draw: st.DrawFn) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(valid_text())
    for _ in range(draw(st.integers(0, 3))):
        all_places = places(told)
        if not all_places:
            break
        container, key = all_places[draw(st.integers(0, len(all_places) - 1))]
        match draw(st.sampled_from(["drop", "replace", "add", "copy"])):
            case "drop":
                del container[key]
            case "replace":
                container[key] = draw(VALUES)
            case "add" if isinstance(container, dict):
                container[draw(st.sampled_from(["note", "end", "appointment", "URI"]))] = draw(
                    VALUES
                )
            case "add":
                container.append(draw(VALUES))
            case _:
                objects = [(c, k) for c, k in all_places if isinstance(c[k], dict)]
                if objects:
                    other, name = objects[draw(st.integers(0, len(objects) - 1))]
                    container[key] = copy.deepcopy(other[name])
    return told


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(["dateTimeSent", "sentAt", "end"]), st.from_regex(RFC_3339_LIKE, fullmatch=True)
)
def test_an_instant_is_one_when_the_schemas_say_so(field: str, text: str) -> None:
    told = json.loads(valid_text())
    message = told["content"][0]["jsonContent"]["embeddedJsonContent"]["message"]
    holder = {"dateTimeSent": told, "sentAt": message, "end": message["appointment"]}[field]
    holder[field] = text
    answer = read_message(json.dumps(told).encode(), received_at=RECEIVED_AT, tolerance=FOR_EVER)
    is_taken = is_valid_by_schemas(told) and not is_stricter_here(answer)
    assert isinstance(answer, HubMessage) == is_taken, answer


@settings(max_examples=600, deadline=None)
@given(mutated_messages())
def test_whatever_is_changed_we_judge_as_the_schemas_do(told: dict[str, Any]) -> None:
    answer = read_message(json.dumps(told).encode(), received_at=RECEIVED_AT, tolerance=FOR_EVER)
    is_refused_by_schema = isinstance(answer, HubRefusal) and answer.code in {300, 301}
    content = told.get("content")
    is_refused_here = is_stricter_here(answer) or (isinstance(content, list) and len(content) > 1)
    assert is_refused_by_schema != (is_valid_by_schemas(told) and not is_refused_here), answer


@settings(max_examples=300, deadline=None)
@given(mutated_messages())
def test_whatever_is_changed_no_identity_comes_out(told: dict[str, Any]) -> None:
    body = json.dumps(told).encode()
    answer = read_message(body, received_at=RECEIVED_AT, tolerance=FOR_EVER)
    kept = without_identities(body)
    assert without_identities(kept) == kept
    for identity in IDENTITIES:
        assert identity not in repr(answer)
        assert identity not in kept.decode()
