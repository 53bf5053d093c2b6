"""Who may give which order: every role against every order of the service, written out.

An order of which nobody thought here is found by the routes; one that a role may not give changes
nothing and says so before anything else is looked at.
"""

from typing import Any

import httpx
import pytest

from services.indicators.app import SERVICE
from tests.architecture.canvas import served
from tests.indicators.ordering import FIRST, Office, reason

CPTS, CAISSE, ARS, REGULATION, SYSTEM = ROLES = ("cpts", "caisse", "ars", "regulation", "system")
FIGURE = "/cpts/{cpts_id}/contract-years/{starts_on}/figures/{indicator}"
ALLOWED: dict[str, set[str]] = {
    "PUT /cpts/{cpts_id}/activities/{activity_id}": {CPTS, CAISSE, ARS, SYSTEM},
    "PUT /cpts/{cpts_id}/contract-years/{starts_on}/declarations/{indicator}": {CPTS},
    "POST /caisse-files": {CAISSE},
    f"POST {FIGURE}/verification": {CAISSE},
    f"POST {FIGURE}/validation": {CAISSE},
    f"POST {FIGURE}/visa": {ARS},
    "PUT /cpts/{cpts_id}/evidence/{evidence_id}": {CPTS, CAISSE, ARS, SYSTEM},
    "PUT /cpts/{cpts_id}/crisis-plan": {CPTS},
    "POST /crises/{crisis_id}": {ARS},
    "PUT /cpts/{cpts_id}/crises/{crisis_id}/response": {CPTS},
}
LEVEL = {"value": 1, "decided_on": "2026-05-01"}
BODIES: dict[str, dict[str, Any]] = {
    "activities": {"kind": "stage", "held_on": "2025-06-10"},
    "declarations": {"value": 3},
    "caisse-files": {"rows": []},
    "verification": LEVEL | {"sample_size": 1},
    "validation": LEVEL | {"answer": "agreed"},
    "visa": LEVEL,
    "evidence": {},
    "crisis-plan": {"typologies": ["nrc"], "written_on": "2025-06-01"},
    "response": {"actions_count": 1},
    "crises": {"departements": ["93"], "typology": "nrc", "from_on": "2026-01-10"},
}


def body_of(order: str, cpts_id: str) -> dict[str, Any]:
    """A sound body of an order: the key of `BODIES` that its path names last."""
    named = [word for word in order.split(" ")[1].split("/") if word in BODIES]
    if named[-1] != "caisse-files":
        return BODIES[named[-1]]
    row = {"cpts_id": cpts_id, "contract_year_starts_on": FIRST.starts_on.isoformat()}
    return {"rows": [row | {"indicator": "depistage_sein", "value": 7000}]}


async def give(
    office: Office, order: str, cpts_id: str, role: str, acting_cpts: str | None = None
) -> httpx.Response:
    """A sound order about a CPTS, given by itself or in another role."""
    method, pattern = order.split(" ")
    path = pattern.format(
        cpts_id=cpts_id,
        crisis_id=f"crisis-{cpts_id}",
        starts_on=FIRST.starts_on,
        indicator="parcours_inclusions",
        activity_id="a",
        evidence_id="e",
    )
    body = body_of(order, cpts_id)
    return await office.order(path, body, method, role, Acting_Cpts=acting_cpts or cpts_id)


def test_the_matrix_names_every_order_of_the_service() -> None:
    orders = {one for one in served(SERVICE) if not one.startswith("GET ")}
    assert orders == ALLOWED.keys()


@pytest.mark.parametrize("order", ALLOWED)
async def test_each_role_gives_the_orders_that_are_its_own_and_no_other(
    office: Office, order: str
) -> None:
    cpts_id = await office.new_cpts()
    if "response" in order:
        await give(office, "POST /crises/{crisis_id}", cpts_id, ARS)
    if "visa" in order:
        await give(office, f"POST {FIGURE}/validation", cpts_id, CAISSE)
    before = await office.run.pool.fetchval("select count(*) from history")
    for role in set(ROLES) - ALLOWED[order]:
        refused = await give(office, order, cpts_id, role)
        assert reason(refused) == (403, "role_not_allowed"), role
        assert await office.run.pool.fetchval("select count(*) from history") == before
    for role in ALLOWED[order]:
        given = await give(office, order, cpts_id, role)
        if "evidence" in order:  # the role passes, the file is refused: nobody said its digest
            assert reason(given) == (400, "digest_needed"), role
        else:
            assert given.is_success, (role, given.text)


@pytest.mark.parametrize("order", [one for one in ALLOWED if CPTS in ALLOWED[one]])
async def test_a_cpts_orders_about_itself_only(office: Office, order: str) -> None:
    cpts_id, another = await office.new_cpts(), await office.new_cpts()
    refused = await give(office, order, another, CPTS, acting_cpts=cpts_id)
    assert reason(refused) == (403, "not_the_acting_cpts")
