"""Another log than before while a season is played: a topic made anew, an offset past its end."""

import asyncio
import subprocess
import sys

import httpx
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.local.services import ROOT
from tests.faults.judgement import judge, read_log
from tests.faults.play import playing
from tests.faults.process import PARTITIONS, Process, until
from tests.faults.saying import say
from tests.faults.season import Season
from tests.faults.starting import start_all, total
from tests.faults.tracing import Trace
from tests.faults.world import World


async def another_log_than_before(world: World, season: Season, trace: Trace) -> None:
    """The topic of figures is made anew under payments' feet; then what it held is in it again.

    Payments says so and does nothing until it is told to read the topic from its start. What is
    then told again changes nothing.
    """
    start_all(world)
    payments, indicators = world.processes["payments"], world.processes["indicators"]
    async with playing(world, season) as play:
        await play.passed(0.6)
        play.hold()
        await play.chain.all_heard()
        records = await read_log(world, "indicators")
        await indicators.killed()
        await make_anew(world, "indicators")
        trouble = await until("payments says so", lambda: trouble_of(payments, "was made anew"))
        await say(world, records)
        for service in ("indicators", "payments"):
            await told(world, service, "reread", "--topic", "indicators")
        indicators.start()
        await indicators.ready()
        await payments.ready()
        play.go_on()
        await play.over()
        trace.note(trouble=trouble)
        trace.struck(heard_again=len(records))
        await judge(play)


async def an_offset_past_the_end(world: World, season: Season, trace: Trace) -> None:
    """A stored offset lies where the log does not reach: indicators says so, and hears nothing of
    any partition until it is told to read the topic from its start.
    """
    start_all(world)
    indicators = world.processes["indicators"]
    async with playing(world, season) as play:
        await play.passed(0.5)
        await indicators.killed()
        await world.ask(
            "indicators",
            "update stored_offset set next_offset = 99999 where topic = 'referrals'"
            " and partition = 0 returning 1",
        )
        indicators.start()
        said = await until("it says so", lambda: trouble_of(indicators, "the stored offset is"))
        await told(world, "indicators", "reread", "--topic", "referrals")
        await indicators.ready()
        await play.over()
        trace.note(trouble=said)
        trace.struck(heard=await total(world, "done", "indicators"))
        await judge(play)


async def trouble_of(process: Process, why: str) -> str | None:
    """The command that a process gives for this reason of not being ready; None without it."""
    try:
        troubles = (await process.health()).get("troubles", [])
    except httpx.TransportError:
        return None
    return next((one["command"] for one in troubles if why in one["reason"]), None)


async def make_anew(world: World, topic: str) -> None:
    """Delete a topic and make another one of the same name."""
    name = f"{world.namespace}{topic}"
    admin = AIOKafkaAdminClient(bootstrap_servers=world.kafka)
    await admin.start()
    try:
        await admin.delete_topics([name])

        async def is_made() -> bool:
            made = await admin.create_topics([NewTopic(name, PARTITIONS, 1)])
            return not any(code for _, code, *_ in made.topic_errors)

        await until(f"{name} is made anew", is_made)
    finally:
        await admin.close()


async def told(world: World, service: str, *command: str) -> None:
    """Give a service's own command, as its trouble says it."""
    process = world.processes[service]
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", f"services.{service}", *command],
        cwd=ROOT,
        env=process.environment(),
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
