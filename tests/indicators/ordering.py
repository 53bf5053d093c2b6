"""What the tests of indicators' orders share: one running service, and how to tell and ask it."""

import itertools
from datetime import date
from typing import Any

import httpx

from contracts.events.membership import AciSigned, ContractYear, CptsRegistered
from contracts.recorded import Recorded
from contracts.topics import MEMBERSHIP, Topic
from services.messaging.clock import DrivenClock
from services.messaging.process import Running
from tests.indicators.story import told
from tests.publishing import publish

FIRST = ContractYear(starts_on=date(2025, 4, 15), ends_on=date(2026, 4, 14))
SECOND = ContractYear(starts_on=date(2026, 4, 15), ends_on=date(2027, 4, 14))
PARTITIONS = 4


class Office:
    """A running indicators service with its client, on a clock that stands at `clock`."""

    def __init__(self, run: Running, client: httpx.AsyncClient, clock: DrivenClock) -> None:
        self.run, self.client, self.clock = run, client, clock
        self._names = (f"c{number}" for number in itertools.count(1))

    async def hear(self, events: list[Recorded[Any]], topic: Topic = MEMBERSHIP) -> None:
        """What membership says, or another service."""
        settings = self.run.settings
        await publish(settings.kafka, settings.namespace, topic, events, partitions=PARTITIONS)
        await self.run.caught_up()

    async def new_cpts(self, *, is_under_contract: bool = True, finess: str | None = None) -> str:
        """The id of a CPTS that the service has just heard of."""
        cpts_id = next(self._names)
        registered = CptsRegistered(
            cpts_id=cpts_id, cpts_name=cpts_id, seat_commune="93066", finess=finess
        )
        await self.hear(told([registered], cpts_id, "93", self.clock.now()))
        if is_under_contract:
            await self.sign(cpts_id)
        return cpts_id

    async def sign(self, cpts_id: str, *years: ContractYear, after: int = 1) -> None:
        """The CPTS's ACI has these contract years from now on."""
        aci = AciSigned(
            cpts_id=cpts_id,
            aci_id="aci",
            signed_on=date(2025, 4, 1),
            contract_years=years or (FIRST, SECOND),
        )
        await self.hear(told([aci], cpts_id, "93", self.clock.now(), after))

    async def order(
        self, path: str, body: Any, method: str = "PUT", role: str = "cpts", **headers: str
    ) -> httpx.Response:
        """One order; header names are given with underscores. A CPTS orders about itself."""
        acting = {"Acting-Role": role, "Acting-Cpts": (path.split("/")[2:3] or [""])[0]}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.request(method, path, json=body, headers=acting | named)

    async def done(self, path: str, body: Any, *args: str, **headers: str) -> Any:
        """What an order that is carried out answers."""
        answer = await self.order(path, body, *args, **headers)
        assert answer.is_success, answer.text
        return answer.json()

    async def get(self, path: str, **query: Any) -> Any:
        answer = await self.client.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def values(self, cpts_id: str, starts_on: date = FIRST.starts_on) -> dict[str, int]:
        """The figures of a contract year that are not 0, by indicator."""
        page = await self.get(f"/cpts/{cpts_id}/figures", contract_year_starts_on=starts_on)
        return {one["indicator"]: one["value"] for one in page["items"] if one["value"]}

    async def said(self, type_name: str, cpts_id: str) -> list[dict[str, Any]]:
        """What the service has said of a CPTS under a type name, in order."""
        rows = await self.run.pool.fetch(
            "select event::text as event from history where type = $1 and event ->> 'cpts_id' = $2"
            " order by recorded_at, subject, sequence",
            f"indicators.{type_name}.v1",
            cpts_id,
        )
        return [httpx.Response(200, content=row["event"]).json() for row in rows]


def reason(answer: httpx.Response) -> tuple[int, str]:
    """The status and the coded reason of a refusal."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return answer.status_code, answer.json()["reason"]
