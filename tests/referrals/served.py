"""A running referrals service: real Kafka, real PostgreSQL, HTTP, a clock that tests drive."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import httpx

from contracts.recorded import Recorded
from contracts.topics import MEMBERSHIP
from services.messaging.clock import DrivenClock
from services.messaging.process import Running, running
from services.messaging.settings import Settings
from services.referrals.app import SERVICE
from tests.publishing import publish
from tests.referrals.referral_cases import NOON, RPPS

WITHIN_SECONDS = 20


class Served:
    """The service and one client of it."""

    def __init__(self, run: Running, clock: DrivenClock, client: httpx.AsyncClient) -> None:
        self.run, self.clock, self.client = run, clock, client

    async def order(
        self, path: str, body: Any, *, role: str = "system", at: datetime = NOON, **headers: str
    ) -> httpx.Response:
        """One order; bytes are sent as they are. The CPTS is c1 unless it is said."""
        content: dict[str, Any] = {"content": body} if isinstance(body, bytes) else {"json": body}
        said = {"Acting-Role": role, "Order-Instant": at.isoformat()}
        said |= {"Acting-Cpts": "c1"} if role == "cpts" else {}
        said |= {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.post(path, headers=said, **content)

    async def demand(self, source_id: str, **changes: Any) -> Any:
        """A demand, taken."""
        answer = await self.order("/demands", demand_body(source_id, **changes))
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def ask(self, path: str, **parameters: Any) -> Any:
        """The answer to a question."""
        answer = await self.client.get(path, params=parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def hear(self, *events: Recorded[Any]) -> None:
        """Membership says these, and the service has handled them."""
        settings = self.run.settings
        await publish(
            settings.kafka,
            settings.namespace,
            MEMBERSHIP,
            events,
            partitions=self.run.topics["membership"].partitions,
        )
        await self.run.caught_up()

    async def becomes(self, ask: Callable[[], Awaitable[Any]], expected: Any) -> None:
        """Waits until the answer is the expected one; fails with the last answer."""
        until = time.monotonic() + WITHIN_SECONDS
        while (found := await ask()) != expected:
            assert time.monotonic() < until, f"expected {expected!r}, last found {found!r}"
            await asyncio.sleep(0.02)

    async def state(self, referral_id: str) -> str:
        """Where a referral stands."""
        return str((await self.ask(f"/referrals/{referral_id}"))["state"])

    async def count_said(self) -> int:
        """How many events the service has said."""
        return int(await self.run.pool.fetchval("select count(*) from history"))


def demand_body(source_id: str, /, **changes: Any) -> dict[str, Any]:
    """A demand of commune 93066, which no test territory holds unless it says so."""
    body = {
        "source": "sas93",
        "source_id": source_id,
        "commune": "93066",
        "need": "consultation_generaliste",
        "urgency": "within_48h",
        "received_at": NOON.isoformat(),
    }
    return body | changes


def acceptance(**changes: Any) -> dict[str, Any]:
    """An appointment by a member of c1, in four hours."""
    starts_at = (NOON + timedelta(hours=4)).isoformat()
    return {"cpts_id": "c1", "practitioner_rpps": RPPS, "starts_at": starts_at} | changes


@asynccontextmanager
async def serving(kafka: str, database_url: str, namespace: str) -> AsyncIterator[Served]:
    """The service, up."""
    settings = Settings(
        service="referrals", database_url=database_url, kafka=kafka, namespace=namespace
    )
    clock = DrivenClock(NOON)
    async with (
        running(SERVICE, settings, clock) as run,
        httpx.AsyncClient(base_url=run.address, timeout=30) as client,
    ):
        yield Served(run, clock, client)
