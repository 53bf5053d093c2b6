"""A gateway that declares to a stub of the platform of Val-d'Oise, at a quick pace."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

from contracts.events.gateway import RegulatorIdentifier
from deploy.local import databases
from deploy.local.stack import Stack
from services.gateway.app import gateway
from services.gateway.domain.declarations import Platform
from services.gateway.outside.declaring import Pace
from tests.gateway.agendas import at, kept, made, opened
from tests.gateway.platform import Stub
from tests.gateway.published import ONE_PLACE
from tests.gateway.served import Served, serving
from tests.gateway.test_regulators import identifier
from tests.gateway.test_regulators import opened as opened_account
from tests.stack_fixtures import fresh_name

QUICK = Pace(retry_seconds=0.02, retry_seconds_max=0.1, look_every_seconds=0.02)
IMPATIENT = Pace(
    answer_seconds_max=0.3, retry_seconds=0.02, retry_seconds_max=0.1, look_every_seconds=0.02
)
STAND_IN = RegulatorIdentifier(
    kind="INTRN", system="urn:oid:1.2.250.1.213.3.6", value="7d2d3a52-8a0c-4d8e-9a55-6d4bd7c0a001"
)


def platform(stub: Stub, **changes: Any) -> Platform:
    found: dict[str, Any] = {
        "name": "sas-95",
        "base": stub.base,
        "departements": ("95",),
        "regulator_when_unknown": STAND_IN,
    }
    return Platform(**(found | changes))


@asynccontextmanager
async def declaring(
    stack: Stack, *platforms: Platform, pace: Pace = QUICK
) -> AsyncIterator[Served]:
    """The gateway on a database of its own."""
    name = fresh_name(stack, "g")
    urls = databases.create_databases(stack.admin_url, f"_{name}")
    service = gateway(platforms, pace, is_insecure_demo=True)
    async with serving(stack.kafka, urls["gateway"], f"{name}-", service) as up:
        yield up
    databases.drop_databases(stack.admin_url, f"_{name}")


def new_id() -> str:
    return f"r-{uuid4().hex}"


async def rows(served: Served, appointment_id: str) -> list[dict[str, Any]]:
    answer = await served.client.get("/declarations", params={"appointment_id": appointment_id})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def states(served: Served, appointment_id: str) -> list[str]:
    return [one["state"] for one in await rows(served, appointment_id)]


async def until(holds: Callable[[], Awaitable[Any]]) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(30):
        while not await holds():  # noqa: ASYNC110 - others' doing
            await asyncio.sleep(0.01)


async def become(served: Served, appointment_id: str, *expected: str) -> None:
    """Wait until the declarations of an appointment are in these states."""

    async def are_so() -> bool:
        return await states(served, appointment_id) == list(expected)

    try:
        await until(are_so)
    except TimeoutError:
        assert await states(served, appointment_id) == list(expected)


async def booked(served: Served, hour: int, national: str) -> tuple[str, str]:
    """A place that a regulator of this national identifier books: the booking, and its slot's
    agenda.
    """
    await made(served)
    await kept(served, "one")
    await opened(served, "one", at(hour), minutes=20)
    account = await opened_account(served, identifier(national))
    slots = await served.client.get(
        "/agendas/one/slots", params={"from_at": at(hour).isoformat(), "days": 1}
    )
    slot_id = slots.json()[0]["slot_id"]
    body = {"regulator_id": account, "commune": "95306", "need": "consultation_generaliste"}
    answer = await served.order("POST", f"/slots/{slot_id}/bookings", body, role="regulation")
    assert answer.status_code == 201, answer.text
    assert answer.json()["rpps"] == ONE_PLACE
    return answer.json()["booking_id"], slot_id
