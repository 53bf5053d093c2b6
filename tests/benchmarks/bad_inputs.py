"""Bad inputs for the doors and orders of the gateway and for the Hub's messages, drawn by a seed.

Most are right ones with something changed: what is wrong from the first byte gets no further than
a parser.
"""

import contextlib
import json
import random
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any
from urllib.parse import quote, urlsplit

import msgspec
import requests
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode, openapi

from deploy.local.services import ROOT

CHUNK = 500
FHIR_JSON = "application/fhir+json"
RPPS = "urn:oid:1.2.250.1.71.4.2.1"
UUIDS = "urn:oid:1.2.250.1.213.3.6"
TYPES = "http://interopsante.org/fhir/CodeSystem/fr-v2-0203"
REGULATOR: dict[str, Any] = {
    "resourceType": "Practitioner",
    "meta": {
        "source": UUIDS,
        "profile": [
            "https://interop.esante.gouv.fr/ig/fhir/sas/StructureDefinition/FrPractitionerRegul"
        ],
    },
    "identifier": [
        {
            "type": {"coding": [{"system": TYPES, "code": "IDNPS"}]},
            "system": RPPS,
            "value": "3456780581/11242343",
        }
    ],
    "active": True,
    "name": [{"family": "Exemple", "given": ["Dominique"]}],
    "telecom": [{"system": "email", "value": "dominique.exemple@example.org"}],
}
ENVELOPE: dict[str, Any] = json.loads((ROOT / "docs/examples/hub-message.json").read_text("utf-8"))
SEARCH = (
    ("_include", "Slot:schedule"),
    ("_include:iterate", "Schedule:actor"),
    ("_include", "Slot:service-type-reference"),
    ("_include:iterate", "HealthcareService:organization"),
    ("start", "ge2026-11-22T03:36:17.000"),
    ("start", "le2026-11-24T23:59:59.000+01:00"),
    ("schedule.actor:Practitioner.identifier", f"{RPPS}|810002909371"),
    ("status", "free"),
)
RESOURCES = (
    *("Slot", "Schedule", "Practitioner", "PractitionerRole"),
    *("HealthcareService", "Organization", "Patient", "metadata"),
)


class Input(msgspec.Struct, frozen=True, kw_only=True):
    """A request: to which service, and what is sent."""

    service: str
    method: str
    target: str
    body: bytes = b""
    content_type: str = FHIR_JSON

    def as_sent(self) -> bytes:
        """The bytes of the request; the orders beside the doors need a role."""
        head = (
            f"{self.method} {self.target} HTTP/1.1\r\nHost: bench\r\nActing-Role: system\r\n"
            f"Content-Type: {self.content_type}\r\nContent-Length: {len(self.body)}\r\n\r\n"
        )
        return head.encode() + self.body


texts = st.text(max_size=12) | st.sampled_from(
    ["", " ", "\x00", "8" * 12, "é" * 300, "2026-02-30", "9" * 400, "ge", "|", "../..", "' or 1=1"]
)
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


def places(value: Any, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a JSON value."""
    yield here
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(inner, (*here, key))


def put(value: Any, place: tuple[Any, ...], told: Any) -> Any:
    """The value with something else at a place; as it is where it has no such place."""
    if not place:
        return told
    key = place[0]
    if isinstance(value, dict) and key in value:
        return value | {key: put(value[key], place[1:], told)}
    if isinstance(value, list) and isinstance(key, int) and key < len(value):
        return [*value[:key], put(value[key], place[1:], told), *value[key + 1 :]]
    return value


def altered(whole: Any) -> st.SearchStrategy[bytes]:
    """JSON texts like a right one: one to three of its values are others, or bytes of it are."""
    known = list(places(whole))
    changes = st.lists(st.tuples(st.sampled_from(known), values), min_size=1, max_size=3)

    def change(told: list[tuple[Any, Any]]) -> bytes:
        found = whole
        for place, value in told:
            found = put(found, place, value)
        return json.dumps(found, ensure_ascii=False).encode("utf-8", "surrogatepass")

    text = json.dumps(whole).encode()
    cut = st.tuples(st.integers(0, len(text)), st.integers(0, 40), st.binary(max_size=20)).map(
        lambda one: text[: one[0]] + one[2] + text[one[0] + one[1] :]
    )
    deep = st.integers(1, 20_000).map(lambda levels: b"[" * levels)
    return changes.map(change) | cut | st.binary(max_size=60) | deep


def _query(told: list[tuple[str, str]]) -> str:
    return "&".join(f"{quote(name, safe=':.')}={quote(value, safe=':|,+')}" for name, value in told)


def accounts() -> st.SearchStrategy[Input]:
    """What a platform may send as an account of a regulator (INT_R02)."""
    tokens = texts | st.tuples(st.sampled_from([RPPS, UUIDS, ""]), texts).map("|".join)
    target = tokens.map(lambda one: f"/fhir/Practitioner?identifier={quote(one, safe='|:')}")
    return st.builds(
        partial(Input, service="gateway"),
        method=st.sampled_from(["POST", "PUT"]),
        target=target,
        body=altered(REGULATOR),
        content_type=st.sampled_from([FHIR_JSON, "application/json", "text/xml", "x"]),
    )


def searches() -> st.SearchStrategy[Input]:
    """Searches of slots (INT_R01, INT_R04), and reads of what is not there."""
    pairs = st.sampled_from(SEARCH)
    odd = st.tuples(st.sampled_from([name for name, _ in SEARCH]) | texts, texts)
    asked = st.lists(pairs | odd, max_size=12).map(lambda told: f"/fhir/Slot?{_query(told)}")
    one = st.tuples(st.sampled_from(RESOURCES), texts)
    read = one.map(lambda pair: f"/fhir/{pair[0]}/{quote(pair[1], safe='')}")
    methods = st.sampled_from(["GET", "GET", "GET", "DELETE", "PATCH"])
    return st.builds(partial(Input, service="gateway"), method=methods, target=asked | read)


def envelopes() -> st.SearchStrategy[Input]:
    """What the Hub may hand on: referrals judges it, wherever it is wrong."""
    build = partial(Input, service="referrals", method="POST", target="/sas/messages")
    return st.builds(build, body=altered(ENVELOPE), content_type=st.just("application/json"))


def documented(document: dict[str, Any]) -> list[st.SearchStrategy[Input]]:
    """What schemathesis makes of each operation that the gateway documents, right and wrong."""
    schema = openapi.from_dict(document)
    operations = [one.ok() for one in schema.get_all_operations()]
    modes = (GenerationMode.NEGATIVE, GenerationMode.POSITIVE)
    return [
        one.as_strategy(generation_mode=mode).map(_sent)
        for one in operations
        for mode in modes
        if mode is GenerationMode.POSITIVE or _may_be_wrong(one.definition.raw)
    ]


def _may_be_wrong(operation: dict[str, Any]) -> bool:
    """Whether it takes anything but an id, which is a text like any other."""
    found = {one["in"] for one in operation.get("parameters", ())}
    return "requestBody" in operation or "query" in found


def _sent(case: Any) -> Input:
    asked = case.as_transport_kwargs(base_url="http://bench")
    parts = {name: asked.get(name) for name in ("method", "url", "params", "json", "data")}
    ready = requests.Request(**parts).prepare()
    url = urlsplit(str(ready.url))
    body = ready.body or b""
    return Input(
        service="gateway",
        method=str(ready.method),
        target=url.path + (f"?{url.query}" if url.query else ""),
        body=body if isinstance(body, bytes) else body.encode("utf-8", "surrogatepass"),
        content_type=FHIR_JSON if url.path.startswith("/fhir") else "application/json",
    )


def drawn(strategy: st.SearchStrategy[Input], count: int, chosen: int) -> list[Input]:
    """So many inputs of a strategy, the same for the same seed."""
    found: list[Input] = []
    number = 0
    while len(found) < count:
        number += 1

        @seed(chosen * 100_003 + number)
        @settings(
            max_examples=min(CHUNK, count - len(found)),
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(strategy)
        def collect(one: Input) -> None:
            found.append(one)

        before = len(found)
        with contextlib.suppress(Unsatisfiable):  # nothing of an operation can be wrong
            collect()
        if len(found) == before:
            break
    return found[:count]


def crossed(known: Sequence[Input], count: int, chosen: int) -> Iterator[Input]:
    """As many more, each of two that were drawn: Hypothesis draws some hundred a second."""
    chance = random.Random(chosen)
    for _ in range(count):
        one, other = chance.choice(known), chance.choice(known)
        body = _crossed(one.body, other.body, chance) if one.body else one.body
        whose = other if other.service == one.service and chance.random() < 0.3 else one
        yield msgspec.structs.replace(one, body=body, target=whose.target, method=whose.method)


def _crossed(one: bytes, other: bytes, chance: random.Random) -> bytes:
    """A value of one at a place of the other where both are JSON, else the ends of both."""
    try:
        first, second = json.loads(one), json.loads(other)
    except (ValueError, RecursionError):
        at, to = chance.randrange(len(one) + 1), chance.randrange(len(other) + 1)
        return one[:at] + other[to:]
    value = second
    for key in chance.choice(list(places(second))):
        value = value[key]
    found = put(first, chance.choice(list(places(first))), value)
    return json.dumps(found, ensure_ascii=False).encode("utf-8", "surrogatepass")
