"""Who may give which order of the service: each of its owners can, a CPTS about itself alone.

That every other role is refused is shown for all services alike, in the journeys.
"""

from typing import Any

import httpx
import pytest

from contracts.roles import Role
from contracts.topics import REFERRALS
from services.indicators.app import SERVICE
from services.indicators.domain.owners import OWNERS
from tests.indicators.ordering import FIRST, Office, reason
from tests.indicators.test_worklists import fresh_rpps, numbers, reported
from tests.owners import orders_of

FIGURE = "/cpts/{cpts_id}/contract-years/{starts_on}/figures/{indicator}"
ALLOWED = {" ".join(orders_of(SERVICE)[name]): roles for name, roles in OWNERS.items()}
LEVEL = {"value": 1, "decided_on": "2026-05-01"}
BODIES: dict[str, dict[str, Any]] = {
    "activities": {"kind": "stage", "held_on": "2025-06-10"},
    "declarations": {"value": 3},
    "caisse-files": {"rows": []},
    "samples": {"size": 1},
    "verification": LEVEL | {"sample_size": 1},
    "stance": LEVEL | {"answer": "agreed"},
    "validation": LEVEL,
    "visa": LEVEL,
    "evidence": {},
    "crisis-plan": {"typologies": ["nrc"], "written_on": "2025-06-01"},
    "response": {"actions_count": 1},
    "decisions": {
        "decision": "leave_out",
        "reason": "wrong_number",
        "acting_person": "agent-7",
    },
    "crises": {"departements": ["93"], "typology": "nrc", "from_on": "2026-01-10"},
}


def body_of(order: str, cpts_id: str, role: str) -> dict[str, Any]:
    """A sound body of an order: the key of `BODIES` that its path names last."""
    named = [word for word in order.split(" ")[1].split("/") if word in BODIES]
    if named[-1] == "decisions":
        return BODIES["decisions"] | {"appointment_id": f"{cpts_id}-{role}"}
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
    body = body_of(order, cpts_id, role)
    return await office.order(path, body, method, role, Acting_Cpts=acting_cpts or cpts_id)


async def new_cpts(office: Office, order: str) -> str:
    """A CPTS; where the order decides, with a doubtful appointment of its own for each role."""
    if "decisions" not in order:
        return await office.new_cpts()
    finess = f"193{next(numbers):07}"
    cpts_id = await office.new_cpts(finess=finess)
    for role in ALLOWED[order]:
        told = reported(office, f"{cpts_id}-{role}", fresh_rpps(is_right=False), finess=finess)
        await office.hear(told, REFERRALS)
    return cpts_id


@pytest.mark.parametrize("order", ALLOWED)
async def test_each_owner_of_an_order_gives_it(office: Office, order: str) -> None:
    cpts_id = await new_cpts(office, order)
    if "response" in order:
        await give(office, "POST /crises/{crisis_id}", cpts_id, Role.ARS)
    if "visa" in order:
        await give(office, f"POST {FIGURE}/validation", cpts_id, Role.CAISSE)
    for role in ALLOWED[order]:
        given = await give(office, order, cpts_id, role)
        if "evidence" in order:  # the role passes, the file is refused: nobody said its digest
            assert reason(given) == (400, "digest_needed"), role
        else:
            assert given.is_success, (role, given.text)


@pytest.mark.parametrize("order", [one for one in ALLOWED if Role.CPTS in ALLOWED[one]])
async def test_a_cpts_orders_about_itself_only(office: Office, order: str) -> None:
    cpts_id, another = await office.new_cpts(), await new_cpts(office, order)
    refused = await give(office, order, another, Role.CPTS, acting_cpts=cpts_id)
    assert reason(refused) == (403, "not_the_acting_cpts")
