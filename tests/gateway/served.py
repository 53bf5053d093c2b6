"""A running gateway: real Kafka, real PostgreSQL, HTTP, a clock that tests drive."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpx

from contracts.recorded import Recorded
from contracts.topics import Topic
from services.gateway.app import gateway
from services.gateway.outside.fetching import VARIABLE, read_fetcher
from services.messaging.clock import DrivenClock
from services.messaging.process import Running, Service, running
from services.messaging.settings import Settings
from tests.gateway.judge import hear
from tests.publishing import publish

NOON = datetime(2026, 11, 23, 11, 0, tzinfo=UTC)  # a Monday, noon in Paris
ODD_ACCEPT = "application/json+fhir"
LOOPBACK = read_fetcher({VARIABLE: "127.0.0.0/8"})
OPEN = gateway(is_insecure_demo=True, fetcher=LOOPBACK)
"""Its doors answer anybody: `test_doors.py` is about who passes. Calendars may be on loopback."""


class Served:
    """The service and one client of it, which sends the platform's odd `Accept`."""

    def __init__(self, run: Running, clock: DrivenClock, client: httpx.AsyncClient) -> None:
        self.run, self.clock, self.client = run, clock, client

    async def fhir(
        self, method: str, path: str, body: Any = None, *, at: datetime = NOON, **headers: str
    ) -> httpx.Response:
        """What a door answers; bytes are sent as they are."""
        content: dict[str, Any] = {}
        if body is not None:
            content = {"content": body} if isinstance(body, bytes) else {"json": body}
        said = {"Accept": ODD_ACCEPT, "Order-Instant": at.isoformat()} | headers
        answer = await self.client.request(method, f"/fhir{path}", headers=said, **content)
        assert answer.headers["content-type"] == "application/fhir+json", answer.text
        if answer.content:
            hear(answer.json())
        return answer

    async def order(
        self,
        method: str,
        path: str,
        body: Any,
        *,
        role: str = "system",
        at: datetime = NOON,
        **headers: str,
    ) -> httpx.Response:
        """An order; of a CPTS it is that of c1 unless it is said. Bytes are sent as they are."""
        content: dict[str, Any] = {"content": body} if isinstance(body, bytes) else {"json": body}
        said = {"Acting-Role": role, "Order-Instant": at.isoformat()}
        said |= {"Acting-Cpts": "c1"} if role == "cpts" else {}
        said |= {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.request(method, path, headers=said, **content)

    async def hear(self, topic: Topic, *events: Recorded[Any]) -> None:
        """Another service says these, and the gateway has handled them."""
        settings = self.run.settings
        await publish(
            settings.kafka,
            settings.namespace,
            topic,
            events,
            partitions=self.run.topics[topic.name].partitions,
        )
        await self.run.caught_up()

    async def said(self) -> list[str]:
        """The types of what the gateway has said, in order."""
        rows = await self.run.pool.fetch(
            "select type from history order by recorded_at, subject, sequence"
        )
        return [row["type"] for row in rows]


def issue_of(answer: httpx.Response) -> tuple[int, str, str]:
    """The status, FHIR's code and our reason of an OperationOutcome that also has a text."""
    body = answer.json()
    assert body["resourceType"] == "OperationOutcome", body
    hear(body)
    (issue,) = body["issue"]
    assert issue["severity"] == "error"
    assert issue["details"]["text"]
    reasons = [one["code"] for one in issue["details"].get("coding", [])]
    return answer.status_code, issue["code"], reasons[0] if reasons else ""


@asynccontextmanager
async def serving(
    kafka: str, database_url: str, namespace: str, service: Service = OPEN
) -> AsyncIterator[Served]:
    """The gateway, up and ready, and a client of it."""
    settings = Settings(
        service="gateway", database_url=database_url, kafka=kafka, namespace=namespace, partitions=3
    )
    clock = DrivenClock(NOON)
    async with (
        running(service, settings, clock) as run,
        httpx.AsyncClient(base_url=run.address, timeout=30) as client,
    ):
        yield Served(run, clock, client)
