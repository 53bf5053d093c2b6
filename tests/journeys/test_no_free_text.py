"""No sentence that somebody writes into an order comes to rest in a table, whatever the field.

Each order of each service, found in its OpenAPI document, is given once for every text in its body
and every name in its path with a sentence there and all else as it should be. Then every table is
read.
"""

import json
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest

from tests.journeys.hub import envelope
from tests.journeys.sentences import IN_A_PATH, SENTENCE, with_a_sentence
from tests.journeys.story import SERVICES, Platform, Story

COMMUNES = ("06004", "06027", "06029", "06069", "06079")
# A message's original is kept for a stated time, and the names of those who work where no log has
# them, in these columns alone.
APART = {
    ("sas_message", "body"),
    ("regulator_identity", "family_name"),
    ("regulator_identity", "given_name"),
    ("practitioner_card", "family_name"),
    ("practitioner_card", "given_name"),
    ("agenda_card", "address_line"),
    ("agenda_card", "city"),
}


def orders(story: Story, referral_id: str) -> dict[tuple[str, str], Any]:
    """Orders of membership and referrals by method and path, with a body that is right."""
    day, now = story.year.isoformat(), story.now.isoformat()
    dates = {"from_on": day, "to_on": day}
    who = {"rpps": story.doctor, "is_check_digit_overridden": True}
    place = {"entry_id": "e", "commune": "06088", "part": "Nord", "population": 9} | dates
    member = {"member_id": "m", "profession": "10"} | who | dates
    aci = {"signed_on": day, "starts_on": day}
    demand = {"source": "s", "source_id": "i", "commune": "06088", "part": "Nord"}
    demand |= {"need": "sage_femme", "urgency": "same_day", "received_at": now}
    own, its = "/cpts/{cpts_id}", "/referrals/{referral_id}"
    answer = {"cpts_id": story.cpts_id}
    booking = {"practitioner_rpps": story.doctor, "starts_at": now}
    return {
        ("PUT", "/directory/extracts/{kind}"): {"a file": "of the directory"},
        ("PUT", "/sas-participants/{platform}"): {
            "listed_on": day,
            "departements": ["06"],
            "participants": [
                {"rpps": story.doctor, "way": "own_office", "structure_finess": "1060000001"}
            ],
        },
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


def payment_orders(story: Story) -> dict[tuple[str, str], Any]:
    """The orders on rates, lines, settlement and money that moves."""
    day, own = story.year.isoformat(), "/cpts/{cpts_id}"
    year = f"{own}/contract-years/{{starts_on}}"
    rate = {"rate_id": "r", "from_on": day, "to_on": day, "taille": 1, "amount_cents": 1}
    rate |= {"mission": "acces_aux_soins", "part": "variable", "text": "t", "is_verified": False}
    line = {"mission": "acces_aux_soins", "mode": "linear", "max_cents": 1, "target": 1}
    indemnity = {"rpps": story.doctor, "kind": "indemnite", "function": "reunion", "minutes": 1}
    indemnity |= {"amount_cents": 1}
    account = {"iban": "FR1420041010050500013M02606", "holder": "CPTS", "acting_person": "a"}
    confirmation = {"version": 1, "acting_person": "b"}
    members = f"{own}/professionals/{{rpps}}/bank-accounts/{{account_id}}"
    batch = {"batch_id": "b", "execute_on": day}
    read = {"rate_id": "r", "amount_cents": 1, "text": "t", "read_on": day}
    stance = {"validated_value": 1, "caisse_stance": "agrees"}
    return {
        ("PUT", f"{own}/indemnities/{{indemnity_id}}"): indemnity | {"paid_on": day},
        ("PUT", f"{own}/uses/{{use_id}}"): {
            "category": "locaux",
            "amount_cents": 1,
            "used_on": day,
        },
        ("PUT", f"{own}/bank-accounts/{{account_id}}"): account | {"from_on": day},
        ("POST", f"{own}/bank-accounts/{{account_id}}/confirmation"): confirmation,
        ("PUT", members): account | {"from_on": day},
        ("POST", f"{members}/confirmation"): confirmation,
        ("PUT", "/caisse/bank-accounts/{account_id}"): account | {"from_on": day},
        ("POST", "/caisse/bank-accounts/{account_id}/confirmation"): confirmation,
        ("POST", "/payment-batches"): batch,
        ("POST", "/payment-batches/{batch_id}/answers"): {"order_id": "o"},
        ("POST", f"{own}/payment-batches"): batch,
        ("POST", f"{own}/payment-batches/{{batch_id}}/answers"): {"order_id": "o"},
        ("PUT", f"{year}/lines/{{line_id}}"): line
        | {"line_label": "Ligne", "documents": ["report"]},
        ("POST", f"{year}/dialogue"): {"opened_on": day},
        ("PUT", f"{year}/dialogue/lines/{{indicator}}"): stance,
        ("POST", f"{year}/settlement"): {"variable_cents": 1},
        ("POST", "/settlements"): {
            "years": [{"cpts_id": story.cpts_id, "starts_on": day, "variable_cents": 1}]
        },
        ("POST", "/rates/confirmations"): read | {"confirmed_by": "agent-1"},
        ("POST", "/rates"): rate | {"status": "hypothesis"},
        ("PUT", f"{year}/lines"): {"a file": "of lines"},
        ("POST", f"{year}/simulation"): {
            "signed_on": day,
            "starts_on": day,
            "missions": {"prevention": [{"started_on": day, "ended_on": day}]},
            "rates": [{"mission": "prevention", "part": "fixe", "amount_cents": 1}],
            "members": {"joining": [story.doctor], "leaving": []},
        },
    }


def life_orders(story: Story) -> dict[tuple[str, str], Any]:
    """The orders on how a CPTS comes to be, what belongs to it, and who it becomes."""
    day, own = story.year.isoformat(), "/cpts/{cpts_id}"
    projet, lettre = (
        f"{own}/projets-de-sante/{{projet_id}}",
        f"{own}/lettres-intention/{{lettre_id}}",
    )
    structure = f"{own}/structures/{{structure_id}}"
    sha256 = "0" * 64
    association = {"declared_on": day, "legal_form": "loi_1901", "rna": "W061234567"}
    association |= {"siren": "732829320", "siret": "73282932000074"}
    tool = {"kind": "other", "tool_name": "Outil", "is_dmp_compatible": True}
    new = {"new_cpts_id": "n", "new_cpts_name": "Nouvelle", "seat_commune": "06088"}
    return {
        ("PUT", lettre): {
            "sent_on": day,
            "communes": ["06088"],
            "study_sha256": sha256,
            "partners": ["1060000001"],
            "calendar": [{"mission": "prevention", "starts_on": day}],
        },
        ("POST", f"{lettre}/validation"): {"validated_on": day},
        ("PUT", projet): {"sent_on": day, "document_sha256": sha256},
        ("POST", f"{projet}/validation"): {},
        ("POST", f"{projet}/objection"): {"grounds": ["prs_not_respected"]},
        ("POST", f"{projet}/withdrawal"): {},
        ("PUT", f"{own}/associations/{{association_id}}"): association,
        ("POST", f"{own}/aci/{{aci_id}}/termination"): {"ended_on": day, "reason": "dissolution"},
        ("PUT", f"{own}/missions/{{mission_id}}"): {"mission": "prevention", "started_on": day},
        ("PUT", structure): {
            "kind": "msp",
            "structure_name": "MSP",
            "from_on": day,
            "finess": "1060000001",
            "siret": "12345678900011",
            "rna": "W061234567",
        },
        ("PUT", f"{structure}/professionals/{{professional_id}}"): {
            "rpps": story.doctor,
            "profession": "10",
            "from_on": day,
            "is_check_digit_overridden": True,
        },
        ("PUT", f"{own}/tools/{{tool_id}}"): tool | {"is_interoperable": True, "from_on": day},
        ("POST", f"{own}/merger"): {"into_cpts_id": "x", "merged_on": day},
        ("POST", f"{own}/split"): new | {"split_on": day, "entry_ids": ["e"], "member_ids": ["m"]},
    }


def indicator_orders(story: Story) -> dict[tuple[str, str], Any]:
    """The orders on activities, values, levels and crises."""
    day, own = story.year.isoformat(), "/cpts/{cpts_id}"
    figure = f"{own}/contract-years/{{starts_on}}/figures/{{indicator}}"
    row = {"cpts_id": story.cpts_id, "contract_year_starts_on": day, "value": 1}
    contested = {"answer": "disagreed", "reason": "evidence_left_out", "evidence_ids": ["e"]}
    decided, evidence = {"value": 1, "decided_on": day}, {"evidence_ids": ["e"]}
    held = decided | evidence | {"ground": "value_contested"}
    mistyped = {"reason": "mistyped"}
    return {
        ("PUT", f"{own}/activities/{{activity_id}}"): {
            "kind": "groupe_qualite",
            "held_on": day,
            "participants": [story.doctor],
            "evidence_ids": ["e"],
        }
        | mistyped,
        ("PUT", f"{own}/contract-years/{{starts_on}}/declarations/{{indicator}}"): {
            "value": 1,
            "true_on": day,
            "evidence_ids": ["e"],
        }
        | mistyped,
        ("POST", "/caisse-files"): {"rows": [row | {"indicator": "depistage_sein"}]},
        ("POST", f"{figure}/samples"): {"size": 1},
        ("POST", f"{figure}/verification"): held | {"sample_size": 1},
        ("POST", f"{figure}/stance"): decided | contested,
        ("POST", f"{figure}/validation"): held,
        ("POST", f"{figure}/visa"): decided,
        ("PUT", f"{own}/evidence/{{evidence_id}}"): {"a file": "of evidence"},
        ("PUT", f"{own}/crisis-plan"): {"typologies": ["malades"], "written_on": day} | mistyped,
        ("POST", "/crises/{crisis_id}"): {
            "departements": ["06"],
            "typology": "malades",
            "from_on": day,
        }
        | mistyped,
        ("PUT", f"{own}/crises/{{crisis_id}}/response"): {"professionals": [story.doctor]}
        | mistyped,
        ("POST", "/attribution/decisions"): {
            "appointment_id": "p",
            "decision": "count_for",
            "reason": "wrong_number",
            "acting_person": "agent-1",
            "for_cpts_id": story.cpts_id,
        },
    }


def door_orders() -> dict[tuple[str, str], Any]:
    """The orders of the SAS platforms, in FHIR."""
    kind = {"system": "http://interopsante.org/fhir/CodeSystem/fr-v2-0203", "code": "INTRN"}
    account = {
        "resourceType": "Practitioner",
        "meta": {"source": "urn:oid:1.2.250.1.213.3.6"},
        "identifier": [
            {
                "type": {"coding": [kind]},
                "system": "urn:oid:1.2.250.1.213.3.6",
                "value": "7d2d3a52-8a0c-4d8e-9a55-6d4bd7c0a001",
            }
        ],
        "active": True,
        "name": [{"family": "Loridon", "given": ["Anne"]}],
        "telecom": [{"system": "email", "value": "anne@example.org"}],
    }
    door = "/fhir/Practitioner"
    return {("POST", door): account, ("PUT", door): account}


def agenda_orders(story: Story) -> dict[tuple[str, str], Any]:
    """The orders on agendas and bookings."""
    day, agenda = story.year.isoformat(), "/agendas/{agenda_id}"
    later = (story.now + timedelta(days=1)).isoformat()
    end = (story.now + timedelta(days=1, minutes=20)).isoformat()
    offer = {"slot_types": ["CPTS"], "consultations": ["AMB"], "cpts_ids": [story.cpts_id]}
    hours = {"weekday": 1, "begins": "09:00:00", "ends": "10:00:00", "minutes": 20, "offer": offer}
    return {
        ("PUT", agenda): {
            "cpts_id": story.cpts_id,
            "practitioner_rpps": story.doctor,
            "family_name": "Foret",
            "given_name": "Pierre",
            "address_line": "1 rue du Port",
            "city": "Nice",
            "postal_code": "06000",
            "phone": "+33102030405",
            "booking_url": "https://example.org/rdv",
            "structure_number": "1060000001",
            "specialties": ["SM54"],
        },
        ("PUT", f"{agenda}/hours"): {
            "hours": [hours | {"from_on": day, "to_on": day}],
            "closures": [{"from_on": day, "to_on": day}],
        },
        ("POST", f"{agenda}/slots"): {
            "offer": offer,
            "slots": [{"starts_at": later, "ends_at": end}],
        },
        ("POST", f"{agenda}/slots/close"): {"starts_at": [later]},
        ("POST", f"{agenda}/import"): {"a file": "of slots"},
        ("PUT", f"{agenda}/feed"): {"url": "https://192.0.2.1/a.ics", "offer": offer},
        ("DELETE", f"{agenda}/feed"): {},
        ("PUT", "/cpts/{cpts_id}/phone"): {"phone": "+33102030405"},
        ("POST", "/slots/{slot_id}/bookings"): {
            "regulator_id": "r",
            "commune": "06088",
            "need": "sage_femme",
            "urgency": "same_day",
            "part": "Nord",
            "cpts_id": story.cpts_id,
        },
        ("POST", "/declarations/{declaration_id}/resend"): {},
    }


def known_orders(story: Story, referral_id: str) -> dict[tuple[str, str], Any]:
    """A right body of every order of every service, by method and path."""
    known = orders(story, referral_id) | life_orders(story) | indicator_orders(story)
    return known | payment_orders(story) | door_orders() | agenda_orders(story)


def path_of(template: str, story: Story, referral_id: str, sentence_at: str | None = None) -> str:
    """The path of an order, with a sentence in one place if one is named."""
    known = {"cpts_id": story.cpts_id, "referral_id": referral_id, "letter_id": "1"}
    known |= {"rpps": story.doctor}
    known |= {"entry_id": f"{story.cpts_id}-place", "member_id": f"{story.cpts_id}-{story.doctor}"}
    known |= {
        "participation_id": "p",
        "kind": "structures",
        "platform": "sas-test",
        "aci_id": f"{story.cpts_id}-aci",
    }
    known |= {"indemnity_id": "i", "use_id": "u", "account_id": "a", "batch_id": "b"}
    known |= {"starts_on": str(story.year), "indicator": "sas_demandes_avec_rdv"}
    known |= {"agenda_id": "a-1", "slot_id": "s", "declaration_id": "1"}
    own = ("lettre", "projet", "association", "mission", "structure", "professional", "tool")
    known |= {f"{name}_id": name for name in (*own, "activity", "evidence", "crisis", "line")}
    known |= {sentence_at: quote(IN_A_PATH)} if sentence_at else {}
    return template.format(**known)


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
            if text in said and (table, column) not in APART:
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
    known = known_orders(story, referral_id)
    asked = await operations(platform, service)
    assert asked.keys() <= known.keys(), "an order without a right body here"
    roles = ("caisse", "cpts") if service in ("payments", "indicators") else ("system",)
    bodies = [
        (method, template, *changed, role)
        for method, template in asked
        for changed in with_a_sentence(template, known[method, template])
        for role in roles
    ]
    for sent, (method, template, name, place, body, role) in enumerate(bodies, start=1):
        answer = await platform.order(
            service,
            method,
            path_of(template, story, referral_id, place),
            json.dumps(body).encode(),
            role=role,
            at=story.now + timedelta(seconds=sent),
            **{"Idempotency-Key": f"{service}-{sent}", "Content-Type": "application/json"},
            **{"Acting-Cpts": story.cpts_id},
        )
        assert answer.status_code < 500, (template, name, answer.text)
    assert bodies
    assert await tables_with(platform, service, SENTENCE) == set()
