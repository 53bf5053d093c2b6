"""Bad inputs by the hundred thousand, over HTTP, with good ones among them: nothing falls over, and
what is good is kept.
"""

import asyncio
import copy
import json
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec

from deploy.local.stack import Stack
from tests.benchmarks import bad_inputs
from tests.benchmarks.bad_inputs import ENVELOPE, REGULATOR, Input
from tests.benchmarks.ground import BenchFailed, Ground, ask, opened
from tests.benchmarks.http_load import Caller, connected
from tests.benchmarks.measuring import Figure, Sample, Sizes, Wanted

AT_ONCE = 8
DRAWN_MAX = 20_000
GOOD_EVERY = 50
ANSWER_SECONDS = 30
TROUBLE = 500
SERVICES = ("gateway", "referrals")
ALL = Wanted(of="value", at_least=100)
FIGURES = (
    Figure(id="sas-fuzz-answered", unit="% below 500", wanted=ALL),
    Figure(id="sas-fuzz-kept", unit="% of good ones", wanted=ALL),
)
KEPT = """
    select count(distinct distribution_id) from sas_message
    where distribution_id = any($1) and hub_code is null
"""


class Told(msgspec.Struct, kw_only=True):
    """What came of it: how many, the first that were not answered as they must, the good ones."""

    bad: int = 0
    fallen: int = 0
    first: list[str] = []
    accounts: list[str] = []
    messages: list[str] = []
    good: int = 0


async def measure(stack: Stack, folder: Path, sizes: Sizes, runs: int) -> AsyncIterator[Any]:
    """The samples, run by run, each with inputs of its own."""
    async with opened(stack, folder) as ground:
        ground.create_databases()
        await ground.make_topics()
        started = {one: ground.start_service(one) for one in SERVICES}
        ports = {one: (await started[one].ready()).port for one in SERVICES}
        document = await _document(ports["gateway"])
        for run in range(runs):
            begun = time.monotonic()
            drawn = await asyncio.to_thread(_drawn, document, sizes.bad_inputs, run)
            told = await _send(ports, _among(drawn, sizes.bad_inputs, run))
            for one in started.values():
                one.process.check()
            kept = await _kept(ground, ports["gateway"], told)
            seconds = time.monotonic() - begun
            note = f"{told.bad} bad, {told.good} good, {told.fallen} answered 500 or worse, "
            note += f"{told.good - kept} good ones lost, {seconds:.0f} s"
            yield {
                "sas-fuzz-answered": Sample(
                    ours=100 * (1 - told.fallen / told.bad), note="; ".join([note, *told.first])
                ),
                "sas-fuzz-kept": Sample(ours=100 * kept / told.good),
            }


async def _document(port: int) -> dict[str, Any]:
    (caller,) = await connected(port, 1)
    _, body = await caller.ask(b"GET /schema/openapi.json HTTP/1.1\r\nHost: bench\r\n\r\n")
    caller.close()
    found: dict[str, Any] = json.loads(body)
    return found


def _drawn(document: dict[str, Any], count: int, run: int) -> list[Input]:
    """What Hypothesis and schemathesis draw: accounts, searches, envelopes, every operation."""
    wanted = min(count, DRAWN_MAX)
    operations = bad_inputs.documented(document)
    shares = [
        (bad_inputs.accounts(), wanted // 4),
        (bad_inputs.searches(), wanted // 4),
        (bad_inputs.envelopes(), wanted // 4),
        *((one, wanted // 4 // len(operations) + 1) for one in operations),
    ]
    return [one for strategy, share in shares for one in bad_inputs.drawn(strategy, share, run)]


def _among(drawn: Sequence[Input], count: int, run: int) -> Iterator[Input | None]:
    """The bad ones, with a place for a good one (None) after each so many."""
    more = bad_inputs.crossed(drawn, max(0, count - len(drawn)), run)
    for number, one in enumerate(chain(drawn[:count], more), 1):
        yield one
        if number % GOOD_EVERY == 0:
            yield None


async def _send(ports: dict[str, int], inputs: Iterator[Input | None]) -> Told:
    told = Told()
    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(_Sender(ports).send_all(inputs, told))
    return told


class _Sender:
    """One connection to each service, made anew when it is closed."""

    def __init__(self, ports: dict[str, int]) -> None:
        self._ports = ports
        self._callers: dict[str, Caller] = {}

    async def send_all(self, inputs: Iterator[Input | None], told: Told) -> None:
        """Send until none is left, and say what came of each."""
        for one in inputs:
            if one is None:
                await self._send_good(told)
                continue
            told.bad += 1
            status, _ = await self._answer(one)
            if status >= TROUBLE:
                told.fallen += 1
                if len(told.first) < 5:
                    told.first.append(f"{status}: {str(one)[:400]}")
        for caller in self._callers.values():
            caller.close()

    async def _send_good(self, told: Told) -> None:
        """An account and a message of the Hub, which nothing else names."""
        told.good += 2
        body = copy.deepcopy(REGULATOR)
        body["identifier"][0]["value"] = f"good/{uuid4().hex}"
        account = Input(
            service="gateway",
            method="POST",
            target="/fhir/Practitioner",
            body=json.dumps(body).encode(),
        )
        status, answer = await self._answer(account)
        if status == 201:
            told.accounts.append(json.loads(answer)["id"])
        name = f"fr.health.ptfsas_{uuid4().hex}"
        envelope = json.loads(json.dumps(ENVELOPE).replace(ENVELOPE["distributionID"], name))
        message = envelope["content"][0]["jsonContent"]["embeddedJsonContent"]["message"]
        message["appointment"]["appointmentId"] = name
        hub = Input(
            service="referrals",
            method="POST",
            target="/sas/messages",
            body=json.dumps(envelope).encode(),
            content_type="application/json",
        )
        status, answer = await self._answer(hub)
        if status == 200:
            told.messages.append(name)
        else:
            told.first.append(f"a good message was answered {status}: {answer[:300]!r}")

    async def _answer(self, one: Input) -> tuple[int, bytes]:
        """Status and body; 599 when there is no answer, twice."""
        for _ in range(2):
            try:
                caller = self._callers.get(one.service)
                if caller is None or caller.is_closed:
                    (caller,) = await connected(self._ports[one.service], 1)
                    self._callers[one.service] = caller
                async with asyncio.timeout(ANSWER_SECONDS):
                    return await caller.ask(one.as_sent())
            except (BenchFailed, OSError):
                self._callers.pop(one.service, None)
        return 599, b""


async def _kept(ground: Ground, port: int, told: Told) -> int:
    """How many of the good ones are there."""
    (caller,) = await connected(port, 1)
    found = 0
    for one in told.accounts:
        asked = Input(service="gateway", method="GET", target=f"/fhir/Practitioner/{one}")
        status, body = await caller.ask(asked.as_sent())
        found += status == 200 and json.loads(body)["active"] is True
    caller.close()
    rows = await ask(ground.urls["referrals"], KEPT, told.messages)
    return found + int(rows[0][0])
