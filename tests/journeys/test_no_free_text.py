"""No sentence that somebody writes into an order comes to rest in a table, whatever the field.

Each order of each service, found in its OpenAPI document, is given once for every text in its body
with a sentence there and all else as it should be. Then every table is read.
"""

import copy
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.journeys.hub import envelope
from tests.journeys.story import SERVICES, Platform, Story

SENTENCE = "Mme Durand de Nice rappelle pour son fils"
# These are words by nature, and about no patient.
WORDS = {
    "cpts_name": "the public name of an association",
    "text": "the reference of the legal text that fixes a rate",
}
COMMUNES = ("06004", "06027", "06029", "06069")
# A message's original is kept for a stated time, in this column alone.
ORIGINALS = ("sas_message", "body")


def orders(story: Story, referral_id: str) -> dict[tuple[str, str], Any]:
    """Every order by method and path, with a body that is right."""
    day, now = story.year.isoformat(), story.now.isoformat()
    dates = {"from_on": day, "to_on": day}
    who = {"rpps": story.doctor, "is_check_digit_overridden": True}
    place = {"entry_id": "e", "commune": "06088", "part": "Nord", "population": 9} | dates
    member = {"member_id": "m", "profession": "10"} | who | dates
    aci = {"signed_on": day, "starts_on": day}
    rate = {"rate_id": "r", "from_on": day, "to_on": day, "taille": 1, "amount_cents": 1}
    rate |= {"mission": "acces_aux_soins", "part": "variable", "text": "t", "is_verified": False}
    line = {"mission": "acces_aux_soins", "mode": "linear", "max_cents": 1, "target": 1}
    confirmation = {"rate_id": "r", "amount_cents": 1, "text": "t", "read_on": day}
    stance = {"validated_value": 1, "cpts_stance": "agrees", "caisse_stance": "agrees"}
    demand = {"source": "s", "source_id": "i", "commune": "06088", "part": "Nord"}
    demand |= {"need": "sage_femme", "urgency": "same_day", "received_at": now}
    own, its = "/cpts/{cpts_id}", "/referrals/{referral_id}"
    year = f"{own}/contract-years/{{starts_on}}"
    answer = {"cpts_id": story.cpts_id}
    booking = {"practitioner_rpps": story.doctor, "starts_at": now}
    return {
        ("POST", "/cpts"): {
            "cpts_id": "x",
            "cpts_name": "X",
            "seat_commune": "06088",
            "finess": "1060000001",
        },
        ("POST", f"{own}/finess"): {"finess": "1060000002"},
        ("PUT", f"{own}/finess"): {"finess": "1060000003"},
        ("POST", f"{own}/territory"): place,
        ("POST", f"{own}/territory/batch"): {"entries": [place]},
        ("PUT", f"{own}/territory/{{entry_id}}"): dates,
        ("POST", f"{own}/aci"): {"aci_id": "a"} | aci,
        ("PUT", f"{own}/aci/{{aci_id}}"): aci,
        ("POST", f"{own}/members"): member,
        ("POST", f"{own}/members/batch"): {"members": [member]},
        ("PUT", f"{own}/members/{{member_id}}"): dates,
        ("POST", f"{own}/participations"): {"participation_id": "p", "way": "cpts"} | who | dates,
        ("PUT", f"{own}/participations/{{participation_id}}"): dates,
        ("PUT", f"{year}/lines/{{indicator}}"): line,
        ("POST", f"{year}/dialogue"): {"opened_on": day},
        ("PUT", f"{year}/dialogue/lines/{{indicator}}"): stance,
        ("POST", f"{year}/settlement"): {"variable_cents": 1},
        ("POST", "/rates/confirmations"): confirmation | {"confirmed_by": "agent-1"},
        ("POST", "/rates"): rate | {"status": "hypothesis"},
        ("POST", "/demands"): demand,
        ("POST", f"{its}/accept"): answer | booking,
        ("POST", f"{its}/decline"): answer | {"reason": "no_availability"},
        ("POST", f"{its}/return"): {"reason": "by_cpts"},
        ("POST", f"{its}/part"): {"part": "Nord"},
        ("POST", f"{its}/honoured"): {},
        ("POST", f"{its}/no-show"): {},
        ("POST", f"{its}/cancel"): {"by": "patient"},
        ("POST", f"{its}/move"): booking,
        ("POST", "/sas/messages"): envelope(story, f"sentence-{referral_id}"),
        ("POST", "/dead-letters/{letter_id}/replay"): {},
    }


def path_of(template: str, story: Story, referral_id: str) -> str:
    known = {"cpts_id": story.cpts_id, "referral_id": referral_id, "letter_id": "1"}
    known |= {"entry_id": f"{story.cpts_id}-place", "member_id": f"{story.cpts_id}-{story.doctor}"}
    known |= {"participation_id": "p", "aci_id": f"{story.cpts_id}-aci"}
    known |= {"starts_on": str(story.year), "indicator": "sas_demandes_avec_rdv"}
    return template.format(**known)


def with_a_sentence(body: Any) -> Iterator[tuple[str, Any]]:
    """The body once for each of its texts, which is a sentence there; and the text's name."""
    for holder_of, name in places(body):
        if name in WORDS:
            continue
        changed = copy.deepcopy(body)
        holder = changed
        for key in holder_of:
            holder = holder[key]
        # An identifier of the Hub bears its sender's; after it a sentence may hide.
        holder[name] = SENTENCE
        if name == "distributionID":
            holder[name] = f"{body['senderID']}_{SENTENCE}"
        yield str(name), changed


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Every text in a body: the way to what holds it, and its name or index there."""
    keys = value if isinstance(value, dict) else range(len(value) if type(value) is list else 0)
    for key in keys:
        if isinstance(value[key], str):
            yield path, key
        yield from places(value[key], (*path, key))


async def operations(platform: Platform, service: str) -> dict[tuple[str, str], Any]:
    """The orders of a service's OpenAPI document."""
    document = await platform.get(service, "/schema/openapi.json")
    return {
        (method.upper(), path): operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in ("post", "put", "patch", "delete")
    }


async def tables_with(platform: Platform, service: str, text: str) -> set[str]:
    """The columns of a service's database that hold a text."""
    pool = platform.services[service].pool
    columns = await pool.fetch(
        "select table_name, column_name from information_schema.columns "
        "where table_schema = 'public' order by 1, 2"
    )
    found = set()
    for table, column in columns:
        for (value,) in await pool.fetch(f'select "{column}" from "{table}"'):
            said = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
            if text in said and (table, column) != ORIGINALS:
                found.add(f"{table}.{column}")
    return found


@pytest.mark.parametrize(
    ("service", "commune"), list(zip((one.name for one in SERVICES), COMMUNES, strict=True))
)
async def test_a_sentence_in_any_text_of_any_order_comes_to_rest_nowhere(
    platform: Platform, service: str, commune: str
) -> None:
    story = await platform.new_story(commune, name=f"text-{service}").open()
    referral_id = await story.demand()
    await story.accept(referral_id, story.doctor)
    known = orders(story, referral_id)
    asked = await operations(platform, service)
    assert asked.keys() <= known.keys(), "an order without a right body here"
    sent = 0
    for method, template in asked:
        for name, body in with_a_sentence(known[method, template]):
            sent += 1
            answer = await platform.order(
                service,
                method,
                path_of(template, story, referral_id),
                json.dumps(body).encode(),
                role="caisse" if service == "payments" else "system",
                at=story.now + timedelta(seconds=sent),
                **{"Idempotency-Key": f"{service}-{sent}", "Content-Type": "application/json"},
            )
            assert answer.status_code < 500, (template, name, answer.text)
    assert sent or service == "indicators"
    assert await tables_with(platform, service, SENTENCE) == set()
