"""A Hub Santé message is taken as the schemas say, or refused with the Hub's own code and words."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.referrals.domain.hub_message import (
    HubCode,
    HubMessage,
    HubMethod,
    HubNote,
    HubStatus,
    OrientationCategory,
)
from services.referrals.domain.hub_reading import (
    MAX_BODY_BYTES,
    MAX_DEPTH,
    MAX_REASONS,
    finess_of,
    fingerprint,
)
from tests.referrals.hub_told import (
    MESSAGE,
    NAMES,
    RECEIVED_AT,
    UNKNOWN,
    appointment,
    envelope,
    header,
    read,
    refused,
    taken,
)


def test_a_valid_message_gives_identifiers_instants_and_codes() -> None:
    message = taken(envelope())
    assert message.distribution_id == "fr.health.ptfsas_1"
    assert message.sender_id == "fr.health.ptfsas"
    assert message.sent_at == datetime(2026, 1, 15, 8, 55, tzinfo=UTC)
    assert message.expires_at == datetime(2026, 1, 16, 8, 55, tzinfo=UTC)
    assert (message.kind, message.is_exercise, message.is_bare) == ("Report", False, False)
    assert message.notes == ()
    told = message.appointment
    assert told.appointment_id == "7f0c2f5e-rdv"
    assert told.method is HubMethod.CREATE
    assert told.created_at == datetime(2026, 1, 15, 8, 50, tzinfo=UTC)
    assert told.starts_at == datetime(2026, 1, 15, 13, 0, tzinfo=UTC)
    assert told.ends_at == datetime(2026, 1, 15, 13, 20, tzinfo=UTC)
    assert told.status is HubStatus.BOOKED
    assert told.category is OrientationCategory.CPTS
    assert (told.rpps, told.profession) == ("810000000017", "10")
    assert told.finess == "1950047225"


def test_what_is_optional_may_be_absent() -> None:
    bare = appointment(end=..., orientationCategory=..., practitioner=..., organization=...)
    told = taken(envelope(header(appointment=bare))).appointment
    assert (told.ends_at, told.category, told.rpps, told.profession) == (None,) * 4
    assert told.finess is None


def test_neither_a_message_nor_its_text_holds_a_name() -> None:
    for told in (envelope(), {"appointment": appointment()}):
        assert not [name for name in NAMES if name in repr(taken(told))]


@pytest.mark.parametrize("method", ["createAppointment", "updateAppointment"])
def test_the_guide_s_spelling_of_the_method_is_read_too(method: str) -> None:
    told = taken(envelope(header(appointment=appointment(method=method)))).appointment
    assert told.method == method[0].upper() + method[1:]


@pytest.mark.parametrize(
    ("organisation_id", "finess"),
    [
        ("1950047225", "1950047225"),
        ("950047225", "1950047225"),
        ("050005917", "1050005917"),
        ("2A0000154", "12A0000154"),
        ("12b0000154", "12B0000154"),
        (" 950047225 ", "1950047225"),
        ("334173748400020", None),
        ("4810000000017", None),
        ("2950047225", None),
        ("CPTS", None),
        ("", None),
    ],
)
def test_a_finess_is_known_with_and_without_its_prefix(
    organisation_id: str, finess: str | None
) -> None:
    assert finess_of(organisation_id) == finess


SENTENCE = "Mme Durand rappelle"


@pytest.mark.parametrize("unusable", ["", "a\x00b", "médecin", "10 ", "1" * 11, SENTENCE])
def test_a_profession_that_is_no_code_is_absent(unusable: str) -> None:
    practitioner = appointment()["practitioner"] | {"professionCode": unusable}
    organization = {"organizationId": unusable, "name": "SECRET-CABINET"}
    told = appointment(practitioner=practitioner, organization=organization)
    kept = taken(envelope(header(appointment=told))).appointment
    assert (kept.profession, kept.finess) == (None, None)


UNUSABLE = ["", "a\x00b", "x" * 256, SENTENCE, "durand@example.org", "a\u00a0b", "a\n"]


@pytest.mark.parametrize("unusable", UNUSABLE)
def test_an_identifier_that_could_be_a_sentence_or_an_address_is_refused(unusable: str) -> None:
    refusal = refused({"appointment": appointment(appointmentId=unusable)})
    assert refusal.code is HubCode.INVALID_MESSAGE
    assert refusal.reasons[0].startswith("appointment.appointmentId: is no identifier")
    if unusable:
        refusal = refused(envelope(distributionID=f"fr.health.ptfsas_{unusable}"))
        assert refusal.reasons[0].startswith("$.distributionID: is no identifier")
        assert (refusal.code, refusal.distribution_id) == (HubCode.INVALID_MESSAGE, None)


@pytest.mark.parametrize("usable", ["7f0c/2f5e", "urn:oid:1.2.3#4", "rdv-é"])
def test_an_identifier_of_any_other_shape_is_taken(usable: str) -> None:
    told = taken({"appointment": appointment(appointmentId=usable)}).appointment
    assert told.appointment_id == usable


def test_the_rules_of_the_schemas_answer_before_ours() -> None:
    told = header(appointment=appointment(appointmentId=SENTENCE, status="over"))
    refusal = refused(envelope(told, distributionID=f"fr.health.ptfsas_{SENTENCE}"))
    assert [reason for reason in refusal.reasons if "status" not in reason] == []
    assert refusal.distribution_id is None
    assert refused(envelope(senderID=SENTENCE)).code is HubCode.SENDER_INCONSISTENCY


WRONG_SENDER = {"distributionID": "fr.health.samuA_1"}
EXPIRED = {"dateTimeExpires": "2026-01-15T09:59:59+01:00"}
LATE = WRONG_SENDER | EXPIRED
PRACTITIONER = appointment()["practitioner"]
DEEP = json.loads("[" * MAX_DEPTH + "]" * MAX_DEPTH)
TWO_ITEMS = {"content": envelope()["content"] * 2}

PRECEDENCE = {
    "larger than the limit, and not JSON": (b"{" * (MAX_BODY_BYTES + 1), 300),
    "not JSON": (b'{"appointment": ', 102),
    "nothing": (b"", 102),
    "not UTF-8": (b'{"appointment": "\xff"}', 102),
    "half a surrogate": (b'{"appointment": "\\ud800"}', 102),
    "a number out of range": (b'{"appointment": 1e999}', 102),
    "too deep": (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), 300),
    "too deep for the interpreter": (b"[" * 100_000, 300),
    "JSON, no object": ([], 300),
    "envelope wrong, and all that follows": (envelope({"x": 1}, senderID=..., **LATE), 300),
    "an appointment beside an envelope": (envelope(appointment=appointment()), 300),
    "no message": (envelope(content=[{"jsonContent": {"embeddedJsonContent": {}}}], **LATE), 300),
    "header wrong and no known type": (envelope({"messageId": "1"}, **LATE), 300),
    "header wrong": (envelope(header(recipient=[]), **LATE), 300),
    "content wrong": (envelope(header(appointment=appointment(regulator=...)), **LATE), 300),
    "content null": (envelope(header(appointment=None), **LATE), 300),
    "two items of content": (envelope(**TWO_ITEMS, **LATE), 300),
    "RPPS of another national register": (
        envelope(header(appointment=appointment(practitioner=PRACTITIONER | {"rppsId": "82" * 6}))),
        300,
    ),
    "deep in a property that RC-DE allows": (envelope(header(extra=DEEP)), 300),
    "no known type": (envelope(header(appointment=...), **LATE), 301),
    "another type": (envelope(header(appointment=..., reference={}), **LATE), 301),
    "sender inconsistent, and expired": (envelope(**LATE), 200),
    "no internal identifier": (envelope(distributionID="fr.health.ptfsas_"), 200),
    "sender's name goes on": (envelope(distributionID="fr.health.ptfsas2_1"), 200),
    "sender not at the beginning": (envelope(distributionID="x.fr.health.ptfsas_1"), 200),
    "expired": (envelope(**EXPIRED), 400),
    "expiring now": (envelope(dateTimeExpires="2026-01-15T10:00:00+01:00"), 400),
    "an offset of sixty minutes": (envelope(dateTimeSent="2026-01-15T09:55:00+00:60"), 300),
    "good for one second more": (envelope(dateTimeExpires="2026-01-15T10:00:01+01:00"), None),
    "a bare appointment that is wrong": ({"appointment": appointment(status="done")}, 300),
    "a bare appointment with company": ({"appointment": appointment(), "patient": {}}, 300),
}


@pytest.mark.parametrize("case", PRECEDENCE)
def test_the_first_stage_at_fault_gives_the_answer(case: str) -> None:
    told, code = PRECEDENCE[case]
    assert getattr(read(told), "code", None) == code


def test_one_stage_tells_all_its_faults_and_no_other_stage_s() -> None:
    told = header(recipient=..., status="Real", appointment=appointment(method=1, note=""))
    refusal = refused(envelope(told, **LATE))
    assert refusal.reasons == (
        f"{MESSAGE}.status: does not have a value in the enumeration [Actual, Exercise, System]",
        f"{MESSAGE}.recipient: is missing but it is required",
        f"{MESSAGE}.appointment.method: integer found, string expected",
        f"{MESSAGE}.appointment.note: {UNKNOWN}",
    )
    assert refusal.distribution_id == "fr.health.samuA_1"


def test_an_appointment_beside_an_envelope_is_not_a_bare_one() -> None:
    refusal = refused(envelope(appointment=appointment()))
    assert refusal.reasons == (f"$.appointment: {UNKNOWN}",)


def test_a_refusal_without_a_readable_envelope_refers_to_nothing() -> None:
    assert refused(b"no").distribution_id is None
    assert refused(envelope(senderID=...)).distribution_id is None


def test_reasons_are_bounded_and_show_no_sentence() -> None:
    refusal = refused(envelope(**{f"unknown{n}": n for n in range(500)}))
    assert len(refusal.reasons) == MAX_REASONS + 1
    assert refusal.reasons[-1] == "and 480 more"
    refusal = refused(envelope(**{"Mme X, née le 1er, " * 9: 1, "secret@regul.example": 1}))
    assert {reason.partition(":")[0] for reason in refusal.reasons} == {"$.(unprintable name)"}


@pytest.mark.parametrize(
    ("changes", "header_changes", "note"),
    [
        ({}, {"sender": {"name": "x", "URI": "hubex:fr.health.x"}}, "header_sender_differs"),
        ({}, {"messageId": "other"}, "header_id_differs"),
        ({}, {"kind": "Update"}, "header_kind_differs"),
        ({}, {"sentAt": "2026-01-15T09:55:01+01:00"}, "header_sent_at_differs"),
        ({"dateTimeSent": "2026-01-15T10:00:01+01:00"}, {}, "sent_after_receipt"),
    ],
)
def test_a_header_that_differs_is_noted_and_the_message_taken(
    changes: dict[str, Any], header_changes: dict[str, Any], note: str
) -> None:
    assert HubNote(note) in taken(envelope(header(**header_changes), **changes)).notes


@pytest.mark.parametrize(
    ("told_as", "field"),
    [
        ("2026-01-15T10:05:01+01:00", "dateTimeSent"),
        ("1970-01-01T00:00:00+01:00", "dateTimeSent"),
        ("2026-01-15T10:05:01+01:00", "created"),
    ],
)
def test_an_instant_more_than_the_tolerance_ahead_or_absurd_is_invalid(
    told_as: str, field: str
) -> None:
    """Received at 10:00 in Paris: five minutes ahead is a clock, more is a mistake."""

    def told(instant: str) -> bytes:
        if field == "created":
            return json.dumps(envelope(header(appointment=appointment(created=instant)))).encode()
        return json.dumps(envelope(header(), dateTimeSent=instant)).encode()

    refusal = refused(told(told_as))
    assert refusal.code is HubCode.INVALID_MESSAGE
    assert field in refusal.reasons[0]
    assert isinstance(read(told("2026-01-15T10:05:00+01:00")), HubMessage)


@pytest.mark.parametrize("uri", ["Hubex:fr.health.ptfsas", "editor:fr.health.ptfsas"])
def test_the_scheme_of_the_header_s_sender_is_free(uri: str) -> None:
    assert taken(envelope(header(sender={"name": "x", "URI": uri}))).notes == ()


def test_an_exercise_is_said_to_be_one() -> None:
    assert taken(envelope(distributionStatus="Exercise")).is_exercise
    assert taken(envelope(header(status="System"))).is_exercise


def test_a_bare_appointment_is_the_platform_s_dated_by_its_receipt() -> None:
    body = json.dumps({"appointment": appointment()}).encode()
    message = taken(body)
    assert message.distribution_id == f"fr.health.ptfsas_{fingerprint(body)}"
    assert (message.sender_id, message.sent_at) == ("fr.health.ptfsas", RECEIVED_AT)
    assert (message.kind, message.is_bare, message.notes) == ("Report", True, ())
    assert message.appointment == taken(envelope()).appointment
    later = read(body, RECEIVED_AT + timedelta(days=9))
    assert isinstance(later, HubMessage)
    assert later.distribution_id == message.distribution_id
    assert taken(body + b"\n").distribution_id != message.distribution_id
    assert taken({"appointment": appointment(method="UpdateAppointment")}).kind == "Update"


def test_a_time_of_receipt_without_a_zone_is_a_programming_error() -> None:
    with pytest.raises(ValueError, match="aware"):
        read(envelope(), datetime(2026, 1, 15))  # noqa: DTZ001


def test_the_codes_bear_their_official_names_and_a_french_label() -> None:
    assert {code.value: code.name for code in HubCode} == {
        102: "UNRECOGNIZED_MESSAGE_FORMAT",
        200: "SENDER_INCONSISTENCY",
        300: "INVALID_MESSAGE",
        301: "SCHEMA_NOT_FOUND",
        400: "EXPIRED_MESSAGE_BEFORE_ROUTING",
        701: "CASE_ALREADY_EXISTS",
    }
    assert all(code.label for code in HubCode)


# What is kept of an original
