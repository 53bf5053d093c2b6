"""Asks the services over HTTP; and what is said where their answer is not the foreseen one."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, Self

import httpx
import msgspec

from deploy.local.paging import ITEMS_AT_ONCE

AT_ONCE = 8


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is not as it must be: what it is, where, what was foreseen, what was found."""

    what: str
    where: str
    expected: Any
    found: Any

    def __str__(self) -> str:
        return f"{self.what} {self.where} : attendu {self.expected}, trouvé {self.found}"


def differing(
    what: str, where: str, foreseen: Mapping[str, Any], found: Mapping[str, Any]
) -> Iterator[Difference]:
    """Where one of two sets of entries by name has another entry than the other, or none."""
    for name in sorted(foreseen.keys() | found.keys()):
        if foreseen.get(name) != found.get(name):
            yield Difference(
                what=what,
                where=f"{where}/{name}",
                expected=foreseen.get(name),
                found=found.get(name),
            )


class Reader:
    """Asks the services, a few questions at once."""

    def __init__(self, urls: Mapping[str, str]) -> None:
        self._clients = {
            service: httpx.AsyncClient(base_url=url, timeout=60, trust_env=False)
            for service, url in urls.items()
        }
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        for client in self._clients.values():
            await client.aclose()

    async def get(self, service: str, path: str, **parameters: Any) -> Any:
        """The JSON of an answer. Raises `httpx.HTTPError` when it is no success."""
        async with self._slots:
            answer = await self._clients[service].get(path, params=parameters)
        answer.raise_for_status()
        return answer.json()

    async def file(self, service: str, path: str) -> tuple[str, bytes]:
        """The media type of a file and what it holds, as the caisse is given it. Raises
        `httpx.HTTPError` when it is not.
        """
        async with self._slots:
            headers = {"Acting-Role": "caisse"}
            answer = await self._clients[service].get(path, headers=headers)
        answer.raise_for_status()
        return answer.headers["Content-Type"].partition(";")[0], answer.content

    async def items(self, service: str, path: str, **parameters: Any) -> AsyncIterator[Any]:
        """Every item of a list, page by page."""
        after: dict[str, Any] = {}
        while True:
            page = await self.get(service, path, limit=ITEMS_AT_ONCE, **parameters, **after)
            for item in page["items"]:
                yield item
            if page["next"] is None:
                return
            after = {"after": page["next"]}


def refused(what: str, where: str, expected: Any, error: httpx.HTTPStatusError) -> Difference:
    """What was foreseen and is not even there."""
    found = f"http {error.response.status_code}"
    return Difference(what=what, where=where, expected=expected, found=found)
