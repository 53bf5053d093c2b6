"""What the tests of membership's orders share: one running service, and how to ask it."""

import asyncio
import itertools
from typing import Any

import httpx
from aiokafka import TopicPartition

from contracts.communes import all_communes
from contracts.recorded import Recorded
from contracts.topics import MEMBERSHIP
from services.membership.domain import Cpts
from services.messaging.clock import DrivenClock
from services.messaging.codec import Decoder
from services.messaging.log import read_bounds
from services.messaging.process import Running
from services.messaging.replaying import open_reader, read_to_end
from services.messaging.settings import Settings

A_CPTS = Cpts(
    cpts_id="a",
    cpts_name="CPTS a",
    seat_commune="95127",
    departement="95",
    finess=None,
    sequence=1,
)


class House:
    """A running membership service with its client; `communes` are given out once each."""

    def __init__(
        self, run: Running, settings: Settings, client: httpx.AsyncClient, clock: DrivenClock
    ) -> None:
        self.run, self.settings, self.client, self.clock = run, settings, client, clock
        self.communes = (
            commune
            for commune in all_communes().values()
            if commune.departement == "77" and commune.population
        )
        self._names = (f"c{number}" for number in itertools.count(1))

    async def order(
        self, path: str, body: Any, method: str = "POST", role: str = "cpts", **headers: str
    ) -> httpx.Response:
        """One order; header names are given with underscores. A CPTS orders about itself."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        acting = {"Acting-Role": role}
        if role == "cpts":
            acting["Acting-Cpts"] = (path.split("/")[2:3] or [body.get("cpts_id", "")])[0]
        return await self.client.request(method, path, json=body, headers=acting | named)

    async def new_cpts(self, **fields: Any) -> str:
        """The id of a CPTS just registered; it emerged on the first day of 2024."""
        cpts_id = next(self._names)
        body = {"cpts_id": cpts_id, "cpts_name": f"CPTS {cpts_id}", "seat_commune": "77288"}
        body |= {"emerged_on": "2024-01-01"} | fields
        answer = await self.order("/cpts", body, role="ars")
        assert answer.status_code == 201, answer.text
        return cpts_id

    async def get(self, path: str, **query: Any) -> Any:
        answer = await self.client.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def listed(self, cpts_id: str, what: str) -> list[dict[str, Any]]:
        """All that a CPTS has of one kind."""
        found: list[dict[str, Any]] = []
        query: dict[str, Any] = {"limit": 50}
        while query.get("after", "") is not None:
            page = await self.get(f"/cpts/{cpts_id}/{what}", **query)
            found += page["items"]
            query["after"] = page["next"]
        return found

    async def history(self, cpts_id: str) -> list[dict[str, Any]]:
        return (await self.get(f"/cpts/{cpts_id}/history", limit=1000))["items"]

    async def types(self, cpts_id: str) -> list[str]:
        """The names of the CPTS's events, in order."""
        return [one["type"].split(".")[1] for one in await self.history(cpts_id)]

    async def said(self, cpts_id: str, *names: str) -> list[dict[str, Any]]:
        """The events of these names, once there is one of each."""
        async with asyncio.timeout(20):
            while not set(names) <= set(await self.types(cpts_id)):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        history = await self.history(cpts_id)
        return [one for one in history if one["type"].split(".")[1] in names]

    async def on_the_topic(self) -> dict[str, list[Recorded[Any]]]:
        """Every event of the topic by CPTS, once all that was announced has left."""
        await self.run.relayed()
        topic = self.run.topics["membership"]
        partitions = [TopicPartition(topic.kafka_name, one) for one in range(topic.partitions)]
        async with open_reader(self.settings) as consumer:
            bounds = await read_bounds(consumer, partitions)
        starts = {one: bounds[one].start for one in partitions}
        ends = {one: bounds[one].end for one in partitions}
        decoder = Decoder(MEMBERSHIP, MEMBERSHIP.event_classes())
        found: dict[str, list[Recorded[Any]]] = {}
        async for records in read_to_end(self.settings, starts, ends):
            for record in records:
                said = decoder.decode(record)
                assert isinstance(said, Recorded), said
                found.setdefault(said.subject, []).append(said)
        return found


def reason(answer: httpx.Response) -> str:
    """The coded reason of a refusal."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return str(answer.json()["reason"])


def check_digit(ten_digits: str) -> int:
    """By Luhn's formula, the long way: the digit that makes the sum a multiple of ten."""
    doubled = [sum(divmod(2 * int(d), 10)) for d in ten_digits[1::2]]
    plain = [int(d) for d in ten_digits[0::2]]
    return -(sum(doubled) + sum(plain)) % 10


def rpps(ten_digits: str) -> str:
    """A number with the right check digit."""
    return f"8{ten_digits}{check_digit(ten_digits)}"


def place(entry_id: str, code: str, **fields: Any) -> dict[str, Any]:
    return {"entry_id": entry_id, "commune": code, "from_on": "2026-01-01"} | fields


def member(member_id: str, number: str, **fields: Any) -> dict[str, Any]:
    order = {"member_id": member_id, "rpps": number, "profession": "10", "from_on": "2026-01-01"}
    return order | fields
