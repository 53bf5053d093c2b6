"""Agendas held against the national directory: what membership answers is listed, nothing waits."""

import asyncio
import json
from typing import Any
from urllib.parse import parse_qsl

import pytest

from services.gateway.outside.directory import check_agendas, read_membership_url
from services.messaging.web import serving
from tests.gateway.agendas import kept, made
from tests.gateway.published import ONE_PLACE, OTHER
from tests.gateway.served import Served

WARNING = {"reason": "specialty_differs", "label": "…", "said": "SM54", "in_directory": []}


class Membership:
    """A stand-in that knows no specialty of OTHER; the first question fails."""

    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []

    async def __call__(self, scope: Any, _receive: Any, send: Any) -> None:
        """Answer one question."""
        self.asked.append(dict(parse_qsl(scope["query_string"].decode())))
        query, is_first = self.asked[-1], len(self.asked) == 1
        is_wrong = query["rpps"] == OTHER and "SM54" in query.get("specialties", "")
        body = {"is_known_here": True, "warnings": [WARNING] if is_wrong else []}
        status = 503 if is_first else 200
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": json.dumps(body).encode()})


async def listed(served: Served, expected: list[str]) -> Any:
    """What is listed, once it is these agendas."""
    async with asyncio.timeout(20):
        while True:
            answer = await served.client.get("/agendas/differences", params={"cpts_id": "c1"})
            items = answer.json()["items"]
            if [one["agenda_id"] for one in items] == expected:
                return items
            await asyncio.sleep(0.05)


async def test_what_the_directory_says_otherwise_of_an_agenda_is_listed(served: Served) -> None:
    await made(served)
    await kept(served, "d-1", OTHER)
    await kept(served, "d-2", ONE_PLACE)
    membership = Membership()
    async with serving(membership, "127.0.0.1", 0) as url:
        task = asyncio.create_task(check_agendas(url, served.run))
        told = await listed(served, ["d-1"])
        assert told[0]["warnings"] == [WARNING]
        asked = {"rpps": OTHER, "specialties": "SM54", "place": "412345678912345"}
        assert asked in membership.asked
        await kept(served, "d-1", OTHER, specialties=[])
        await listed(served, [])
        task.cancel()
        await asyncio.wait([task])


def test_where_membership_is_may_be_left_out_and_not_be_wrong() -> None:
    assert read_membership_url({}) is None
    with pytest.raises(ValueError, match="MEMBERSHIP_URL"):
        read_membership_url({"MEMBERSHIP_URL": "membership:8000"})
