"""Searches of free slots over mutual TLS at the rate that is wanted of us, against a limit."""

import json
import random
import ssl
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg

from deploy.local import certs
from deploy.local.stack import Stack
from services.gateway.app import SERVICE as GATEWAY
from services.messaging.database import session_settings
from services.messaging.migrations import migrate
from tests.benchmarks import http_load, slots_cast
from tests.benchmarks.ground import BenchFailed, Ground, ask, opened
from tests.benchmarks.measuring import Figure, Sample, Sizes, Wanted, percentile
from tests.benchmarks.slots_cast import NOW

RATE, IDENTIFIERS_MAX, LOOKED_AT = 200.0, 25, 40
UNTIL = (NOW + timedelta(days=2)).replace(hour=23, minute=59, second=59)
SYSTEM = "urn:oid:1.2.250.1.71.4.2.1"
PS_INCLUDES = "_include=Slot:schedule&_include:iterate=Schedule:actor"
CPTS_INCLUDES = (
    "_include=Slot:service-type-reference&_include:iterate=HealthcareService:organization"
)
INCLUDES = (PS_INCLUDES, f"{PS_INCLUDES}&{CPTS_INCLUDES}")
LIMIT = Wanted(of="value", at_most=100)
FIGURES = (
    Figure(id="sas-search-p50", unit="ms", wanted=LIMIT),
    Figure(id="sas-search-p99", unit="ms", wanted=LIMIT),
)
RATE_OF_CALLER = "calls_per_second = 1000\nburst = 1000\n"


async def measure(stack: Stack, folder: Path, sizes: Sizes, runs: int) -> AsyncIterator[Any]:
    """The samples, run by run, each with questions of its own."""
    async with opened(stack, folder) as ground:
        ground.create_databases()
        await ground.make_topics()
        settings = ground.settings("gateway")
        await migrate(settings, GATEWAY.schema)
        connection = await asyncpg.connect(
            settings.database_url, server_settings=session_settings(settings, "public")
        )
        await slots_cast.fill(connection, sizes)
        await connection.close()
        await ask(stack.admin_url, "checkpoint")  # what was written before burdens no measure
        port, context = await _open_doors(ground)
        for run in range(runs):
            warm = int(RATE * sizes.warm_up_seconds)
            asked = _drawn(sizes, warm + int(RATE * sizes.seconds), run)
            note = await _look(port, context, asked[:LOOKED_AT])
            answered = await http_load.at_rate(port, asked, RATE, run, context)
            milliseconds = [1000 * (one.answered_at - one.due_at) for one in answered[warm:]]
            yield {
                f"sas-search-p{percent}": Sample(ours=percentile(milliseconds, percent), note=note)
                for percent in (50, 99)
            }


async def _open_doors(ground: Ground) -> tuple[int, ssl.SSLContext]:
    """The gateway's doors, with certificates and a caller who may call often enough."""
    port, folder = ground.free_port(), ground.folder / "certs"
    doors = certs.make(folder, port=port)
    doors.write_text(doors.read_text("utf-8") + RATE_OF_CALLER, "utf-8")
    environment = {"CPTS_DOORS": str(doors), "CPTS_INSECURE_DEMO": ""}
    environment["CPTS_CLOCK_START"] = NOW.isoformat()
    await ground.start_service("gateway", environment=environment).ready()
    context = ssl.create_default_context(cafile=folder / "authority.pem")
    context.load_cert_chain(folder / "platform.pem", folder / "platform.key")
    return port, context


def _drawn(sizes: Sizes, count: int, seed: int) -> list[bytes]:
    """Searches of 1 to 25 professionals until the end of the day after next, of both flows."""
    chance = random.Random(seed)
    most = min(IDENTIFIERS_MAX, sizes.professionals)
    found = []
    for number in range(count):
        people = chance.sample(range(sizes.professionals), chance.randint(1, most))
        tokens = ",".join(f"{SYSTEM}%7C{slots_cast.rpps_of(one)}" for one in people)
        period = "&".join(
            f"start={way}{at.replace(tzinfo=None).isoformat(timespec='milliseconds')}"
            for way, at in (("ge", NOW), ("le", UNTIL))
        )
        asked = f"schedule.actor:Practitioner.identifier={tokens}&{period}&status=free"
        found.append(http_load.question(f"/fhir/Slot?{INCLUDES[number % 2]}&{asked}"))
    return found


async def _look(port: int, context: ssl.SSLContext, asked: Sequence[bytes]) -> str:
    """What the answers hold, in words. Raises `BenchFailed` when one holds nothing."""
    (caller,) = await http_load.connected(port, 1, context)
    totals, sizes = [], []
    for one in asked:
        status, body = await caller.ask(one)
        if status != http_load.OK or not json.loads(body)["total"]:
            raise BenchFailed(f"a search was answered {status}: {body[:300]!r}")
        totals.append(json.loads(body)["total"])
        sizes.append(len(body))
    caller.close()
    mean_slots, kilobytes = sum(totals) / len(totals), sum(sizes) / len(sizes) / 1000
    return f"an answer has {mean_slots:.0f} slots in {kilobytes:.0f} kB on average"
