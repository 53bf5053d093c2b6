"""Asks the services how they do, round after round, and remembers what they said."""

import asyncio
import logging
import time
from collections.abc import Iterable, Iterator
from typing import Any

import httpx
import msgspec
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from services.console.domain.picture import Picture
from services.console.domain.reading import (
    CHAIN_METRIC,
    WANTED,
    Letter,
    Replay,
    Sample,
    Seen,
    Trouble,
    read,
)
from services.console.domain.watching import REPLAYS_SHOWN, Watch
from services.console.outside.settings import Settings
from services.messaging.orders import KEY_HEADER, PERSON_HEADER, ROLE_HEADER, Role

log = logging.getLogger(__name__)

OPENMETRICS = {"Accept": "application/openmetrics-text; version=1.0.0"}
ANSWER_SECONDS_MAX = 4.0
ORDER_SECONDS_MAX = 30.0
LETTERS_MAX = 1000  # of a service: more of them are one trouble, and the page says "ou plus"
ITEMS_AT_ONCE = 100  # a letter comes with its body
REASON_LENGTH_MAX = 300
NOTHING_WAITS = "} 0.0"
PREFIXES = tuple(start for name in WANTED for start in (f"# TYPE {name} ", f"{name}{{", f"{name}_"))
TRACEPARENT_PARTS = 4


class Unanswered(Exception):  # noqa: N818
    """No process of the service answers."""


class Asker:
    """The rounds. `picture` is what the last one gave; `version` counts them, from 1."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.version = 0
        self.picture: Picture | None = None
        self.is_over = False
        self._watch = Watch(tuple(settings.addresses), time.time(), settings.thresholds)
        self._client = httpx.AsyncClient(timeout=ANSWER_SECONDS_MAX, trust_env=False)
        self._is_due = asyncio.Event()
        self._told = asyncio.Condition()

    async def run(self) -> None:
        """Ask for ever, every few seconds and whenever `ask_now` says."""
        while True:
            began = time.monotonic()
            self._is_due.clear()
            try:
                await self.ask()
            except Exception:  # the page says itself that it is told nothing new
                log.exception("a round failed")
            left = self.settings.every_seconds - (time.monotonic() - began)
            try:
                async with asyncio.timeout(max(0.0, left)):
                    await self._is_due.wait()
            except TimeoutError:
                continue

    def ask_now(self) -> None:
        """Begin the next round at once."""
        self._is_due.set()

    async def ask(self) -> None:
        """One round: all processes side by side, then the picture."""
        places = [(name, url) for name, urls in self.settings.addresses.items() for url in urls]
        said = await asyncio.gather(*(self._ask_one(name, url) for name, url in places))
        answers: dict[str, dict[str, Seen | None]] = {}
        for (name, url), seen in zip(places, said, strict=True):
            answers.setdefault(name, {})[url] = seen
        now = time.time()
        self._watch.take(answers, now)
        await self._tell(self._watch.picture(now))

    async def _tell(self, picture: Picture | None) -> None:
        async with self._told:
            self.picture, self.version = picture or self.picture, self.version + 1
            self._told.notify_all()

    async def newer_than(self, version: int) -> int:
        """Wait for a newer version than this one, or the end; answers the version."""
        async with self._told:
            await self._told.wait_for(lambda: self.version > version or self.is_over)
        return self.version

    async def end(self) -> None:
        """Let go of who waits, and of the connections."""
        self.is_over = True
        await self._tell(None)
        await self._client.aclose()

    async def _ask_one(self, name: str, url: str) -> Seen | None:
        """What one process says; None, and a line in the log, when it does not answer in time."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS_MAX):
                ready, metrics, letters, replays = await asyncio.gather(
                    self._client.get(f"{url}/health/ready"),
                    self._client.get(f"{url}/metrics", headers=OPENMETRICS),
                    self._items(f"{url}/dead-letters", LETTERS_MAX),
                    self._items(f"{url}/dead-letters/replays", REPLAYS_SHOWN),
                )
            families, samples = await asyncio.to_thread(parse, metrics.text)
            return read(
                families,
                samples,
                troubles=msgspec.convert(_of(ready, "troubles"), list[Trouble]),
                letters=[letter(name, one) for one in letters],
                replays=[msgspec.convert(one | {"service": name}, Replay) for one in replays],
            )
        except (httpx.HTTPError, TimeoutError, ValueError, KeyError) as error:
            log.info("%s does not answer: %r", url, error)
            return None

    async def _items(self, url: str, most: int) -> list[dict[str, Any]]:
        """The newest items of a list, page by page, at most so many; none from a service that
        cannot read its tables now.
        """
        found: list[dict[str, Any]] = []
        asked: dict[str, Any] = {"limit": min(most, ITEMS_AT_ONCE)}
        while len(found) < most:
            answer = await self._client.get(url, params=asked)
            if not answer.is_success:
                return []
            told = answer.json()
            found += told["items"]
            if told["next"] is None:
                break
            asked["after"] = told["next"]
        return found[:most]

    # -- what a person asks for

    async def dead_letter(self, service: str, letter_id: int) -> dict[str, Any] | None:
        """A dead letter with its body and headers; None when there is none, or it was replayed."""
        # The newest come first: the first one before the id that follows is it, if it is there.
        params = {"after": letter_id + 1, "limit": 1}
        answer = await self._first(service, "GET", "/dead-letters", params=params)
        items = answer.json()["items"] if answer.is_success else []
        return next((one for one in items if one["id"] == letter_id), None)

    async def replay(self, service: str, letter_id: int, person: str, key: str) -> httpx.Response:
        """Have a service handle a dead letter again, in the name of a person: its answer."""
        answer = await self._first(
            service,
            "POST",
            f"/dead-letters/{letter_id}/replay",
            headers={ROLE_HEADER: Role.SYSTEM, PERSON_HEADER: person, KEY_HEADER: key},
            timeout=ORDER_SECONDS_MAX,
        )
        self.ask_now()
        return answer

    async def _first(self, service: str, method: str, path: str, **more: Any) -> httpx.Response:
        """The answer of the first process of a service that gives one. Raises `Unanswered`."""
        for url in self.settings.addresses[service]:
            try:
                return await self._client.request(method, f"{url}{path}", **more)
            except httpx.TransportError as error:
                log.info("%s does not answer: %r", url, error)
        raise Unanswered(service)


def _of(answer: httpx.Response, member: str) -> Any:
    return answer.json()[member]


def letter(service: str, row: dict[str, Any]) -> Letter:
    """A dead letter as its service lists it, without its body."""
    reason = str(row["reason"])
    return Letter(
        service=service,
        id=row["id"],
        departement=row["departement"],
        reason=reason if len(reason) <= REASON_LENGTH_MAX else f"{reason[:REASON_LENGTH_MAX]}…",
        recorded_at=row["recorded_at"],
        type=row["type"],
        topic=row["topic"],
        trace_id=trace_of(row["headers"]),
    )


def trace_of(headers: Iterable[dict[str, str | None]]) -> str | None:
    """The id of the trace that a record's headers name."""
    for header in headers:
        parts = (header.get("text") or "").split("-")
        if header["name"] == "traceparent" and len(parts) == TRACEPARENT_PARTS:
            return parts[1]
    return None


def parse(text: str) -> tuple[set[str], list[Sample]]:
    """The families and the samples of a page of metrics that the console reads.

    Zeros of what waits are left out before they are parsed: they are most of the page. Raises
    `ValueError` for a page in another form.
    """
    lines = [
        line
        for line in text.splitlines()
        if line.startswith(PREFIXES)
        and not (line.startswith("cpts_lag_") and line.endswith(NOTHING_WAITS))
    ]
    page = "\n".join([*lines, "# EOF\n"])
    families = list(text_string_to_metric_families(page))  # type: ignore[no-untyped-call]
    return {one.name for one in families}, list(_samples(families))


def _samples(families: Iterable[Any]) -> Iterator[Sample]:
    for family in families:
        for one in family.samples:
            is_traced = family.name == CHAIN_METRIC and one.exemplar is not None
            trace_id = one.exemplar.labels.get("trace_id") if is_traced else None
            yield Sample(one.name, one.labels, one.value, trace_id)
