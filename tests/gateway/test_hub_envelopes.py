"""What the bridge writes and reads: goal, that the Hub's own schemas and examples agree.

The published files are not part of this repository; without them what needs them is skipped.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator, FormatChecker

from services.gateway.domain.hub_envelopes import (
    Heard,
    Refused,
    Source,
    Taken,
    Verdict,
    answer_to,
    read_heard,
    read_source,
)
from services.gateway.hub.settings import read_hub_settings
from tests.gateway.hub_played import HUB

NOW = datetime(2026, 3, 2, 8, 0, 0, 123456, tzinfo=UTC)
SOURCE = Source(distribution_id="fr.health.ptfsas_1", sender_id="fr.health.ptfsas")
REFUSED = Refused(code=300, status="INVALID_MESSAGE", cause="$.a: is no instant")
published = pytest.mark.skipif(not HUB.is_dir(), reason=f"no published Hub Santé files at {HUB}")


def answer(verdict: Verdict, source: Source = SOURCE, now: datetime = NOW) -> dict[str, Any]:
    said = answer_to(source, verdict, client_id="fr.health.cpts", now=now)
    envelope = json.loads(said.body)
    assert said.distribution_id == envelope["distributionID"]
    return dict(envelope)


def message_of(envelope: dict[str, Any]) -> Any:
    return envelope["content"][0]["jsonContent"]["embeddedJsonContent"]["message"]


def obeys(instance: Any, schema: str) -> None:
    told = json.loads((HUB / "schemas" / f"{schema}.schema.json").read_text())
    Draft7Validator(told, format_checker=FormatChecker()).validate(instance)


@published
@pytest.mark.parametrize(
    ("verdict", "content", "schema"),
    [(Taken(), "reference", "RC-REF"), (REFUSED, "error", "RS-ERROR")],
    ids=["ack", "error"],
)
def test_what_we_answer_obeys_the_schemas(verdict: Verdict, content: str, schema: str) -> None:
    envelope = answer(verdict)
    obeys(envelope, "EDXL-DE-envelope-only")
    obeys(message_of(envelope), "RC-DE")
    obeys(message_of(envelope)[content], schema)


def test_an_answer_has_whole_seconds_and_is_good_for_a_day() -> None:
    envelope = answer(Taken())
    assert envelope["dateTimeSent"] == "2026-03-02T08:00:00+00:00"
    assert envelope["dateTimeExpires"] == "2026-03-03T08:00:00+00:00"
    assert message_of(envelope)["sentAt"] == envelope["dateTimeSent"]


def test_the_identifier_follows_from_what_is_answered_and_how() -> None:
    again = answer(Taken(), now=datetime(2026, 3, 5, tzinfo=UTC))
    other = Source(distribution_id="fr.health.ptfsas_2", sender_id="fr.health.ptfsas")
    assert answer(Taken())["distributionID"] == again["distributionID"]
    various = [answer(Taken()), answer(REFUSED), answer(Taken(), other), answer(REFUSED, other)]
    assert len({one["distributionID"] for one in various}) == len(various)


def test_a_long_cause_is_cut() -> None:
    long = Refused(code=300, status="INVALID_MESSAGE", cause="x" * 5000)
    assert len(message_of(answer(long))["error"]["errorCause"]) == 1000


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"\xff", b"[]", b"null", b"<xml/>", b"{}", b"[" * 100_000),
        b'{"distributionID": "a_1"}',
        b'{"distributionID": "a_1", "senderID": 5}',
        b'{"distributionID": "Mme Durand", "senderID": "a"}',
        b'{"distributionID": "a_1", "senderID": "a@example.org"}',
    ],
)
def test_nobody_is_answered_who_is_not_named(body: bytes) -> None:
    assert read_source(body) is None


@published
def test_published_answers_are_read() -> None:
    lrm = HUB.parent / "sas-fhir" / "lrm-messages"
    ack = read_heard((lrm / "06-Ack-reference.json").read_bytes())
    assert ack == Heard(
        distribution_id="fr.health.samu330_cf21c600-3bd2-49e6-8651-c97dac05d021",
        referenced_id="fr.health.ptfsas_30c8e00d-68b2-4092-a4f2-a9cb19b416e9",
    )
    error = read_heard((lrm / "07-Error-error.json").read_bytes())
    assert error == Heard(
        distribution_id="fr.health.hub_29055e53-46e5-4a70-843c-335e7e058829",
        referenced_id="fr.health.ptfsas_c461338a-97ea-41e5-b9fa-af87840890ff",
        code=300,
        status="INVALID_MESSAGE",
    )


NESTED = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    *("distributionID", "senderID", "content", "jsonContent", "message", "error"),
                    *("embeddedJsonContent", "reference", "errorCode", "statusCode", "refused"),
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(told=NESTED, raw=st.binary(max_size=40))
def test_whatever_comes_is_read_and_never_raises(told: Any, raw: bytes) -> None:
    for body in (json.dumps(told).encode(), raw):
        read_source(body)
        heard = read_heard(body)
        assert heard.code is None or heard.code >= 0


@pytest.mark.parametrize(
    "status", ["Mme Durand", "call 0601020304", "X" * 65, 5, None, "DEAD LETTER"]
)
def test_a_status_that_is_no_code_is_left_out(status: Any) -> None:
    code = {"statusCode": 500, "statusString": status}
    embedded = {"jsonContent": {"embeddedJsonContent": {"message": {"error": {"errorCode": code}}}}}
    heard = read_heard(json.dumps({"content": [embedded]}).encode())
    assert (heard.code, heard.status) == (500, None)


RIGHT = {
    "HUB_URL": "amqps://hub.example.org",
    "HUB_CLIENT_ID": "fr.health.cpts",
    "REFERRALS_URL": "http://127.0.0.1:18002",
}


def test_without_an_address_there_is_no_bridge() -> None:
    assert read_hub_settings({}) is None


def test_the_settings_are_read() -> None:
    files = {"HUB_CA_FILE": "/ca", "HUB_CERTIFICATE_FILE": "/c", "HUB_KEY_FILE": "/k"}
    read = read_hub_settings(RIGHT | files)
    assert read is not None
    assert (read.exchange, read.ca_file, read.key_file) == ("hubsante", Path("/ca"), Path("/k"))
    assert read.queues == ("fr.health.cpts.message", "fr.health.cpts.ack", "fr.health.cpts.info")


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"HUB_CLIENT_ID": ""}, "HUB_CLIENT_ID"),
        ({"REFERRALS_URL": ""}, "REFERRALS_URL"),
        ({"HUB_URL": "http://hub.example.org"}, "HUB_URL"),
        ({"HUB_KEY_FILE": "/k"}, "HUB_CERTIFICATE_FILE"),
        ({"HUB_URL": "amqp://hub.example.org", "CPTS_ENVIRONMENT": "production"}, "amqps"),
    ],
)
def test_settings_that_do_not_fit_are_refused(changes: dict[str, str], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        read_hub_settings(RIGHT | changes)
