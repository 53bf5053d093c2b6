"""One process of a service, started by the launcher, with its bounds; and waiting with a limit."""

import asyncio
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import httpx
import msgspec
import psutil

from deploy.local import ports, processes
from deploy.local.demo.driver import ClockFile
from deploy.local.folders import replace_file
from services.messaging.settings import Limits
from tests.faults.launcher import Stop, Stopped
from tests.faults.proxy import Link

if TYPE_CHECKING:
    from deploy.local.processes import RecordedProcess
    from tests.faults.world import World

PARTITIONS = 3
# Small batches make many of them, and short limits make short tests.
LIMITS = Limits(
    batch_records=20,
    partition_records=8,
    relay_rows_per_partition=20,
    lease_seconds=2,
    idle_in_transaction_ms=1_500,
    wait_seconds_max=1,
)
WITHIN_SECONDS = 90.0


async def until(
    what: str, holds: Callable[[], Awaitable[Any]], limit: float = WITHIN_SECONDS
) -> Any:
    """Wait until it holds, and answer what it said; AssertionError after the limit."""
    end = time.monotonic() + limit
    while not (found := await holds()):
        if time.monotonic() > end:
            raise AssertionError(f"not within {limit} s: {what}")
        await asyncio.sleep(0.02)
    return found


class Process:
    """One process of a service, started by the launcher.

    It reaches PostgreSQL and Kafka over links of its own, and reads a clock of its own. `member`
    is its name in its consumer group.
    """

    def __init__(self, world: "World", service: str, name: str, member: str | None = None) -> None:
        self.world, self.service, self.name = world, service, name
        self.member = member or name
        self.port = ports.free_port(world.ports)
        world.ports.add(self.port)
        self.url = f"http://127.0.0.1:{self.port}"
        self.arms = world.folder / f"{name}.arms"
        self.stops = world.folder / f"{name}.stops"
        self.log = world.folder / f"{name}.log"
        self.clock = ClockFile(world.folder / f"{name}.clock")
        self.to_postgres = Link(urlsplit(world.database_urls[service]).port or 0)
        self.to_kafka = Link(int(world.kafka.rpartition(":")[2]), is_kafka=True)
        self.record: RecordedProcess | None = None

    def start(
        self,
        stops: Iterable[Stop] = (),
        without: Iterable[str] = (),
        limits: Limits = LIMITS,
    ) -> "Process":
        arguments = [self.service, "--limits", msgspec.json.encode(limits).decode()]
        arguments += ["--arms", str(self.arms), "--stops", str(self.stops)]
        for guard in without:
            arguments += ["--without", guard]
        self.arm(stops)
        self.world.show_clock(self)
        environment = self.environment()
        self.record = self.world.zygote.fork(arguments, environment=environment, log=self.log)
        return self

    def arm(self, stops: Iterable[Stop]) -> None:
        """The stops that are to come from now on, in place of others."""
        self.stops.unlink(missing_ok=True)
        replace_file(self.arms, msgspec.json.encode(list(stops)))

    def environment(self) -> dict[str, str]:
        """What a process of this service finds in its environment."""
        url = urlsplit(self.world.database_urls[self.service])
        netloc = f"{url.netloc.rpartition('@')[0]}@127.0.0.1:{self.to_postgres.port}"
        return self.world.stack.service_environment(self.service) | {
            "DATABASE_URL": urlunsplit(url._replace(netloc=netloc)),
            "KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{self.to_kafka.port}",
            "HTTP_PORT": str(self.port),
            "CPTS_MEMBER": self.member,
            "CPTS_NAMESPACE": self.world.namespace,
            "CPTS_PARTITIONS": str(PARTITIONS),
            "CPTS_CLOCK_FILE": str(self.clock.path),
        }

    async def is_ready(self) -> bool:
        try:
            return (await self.world.client.get(f"{self.url}/health/ready")).is_success
        except httpx.HTTPError:
            return False

    async def ready(self) -> "Process":
        async def answers() -> bool:
            if self.has_ended:
                raise AssertionError(f"{self.name} ended:\n" + "\n".join(self.last_lines()))
            return await self.is_ready()

        await until(f"{self.name} is ready", answers)
        return self

    def last_lines(self) -> list[str]:
        return processes.last_lines(self.log, 30)

    def send(self, by: signal.Signals) -> None:
        assert self.record is not None
        found = self.record.find()
        assert found is not None, f"{self.name} has ended"
        found.send_signal(by)

    @property
    def is_stopped(self) -> bool:
        found = self.record.find() if self.record else None
        return found is not None and found.status() == psutil.STATUS_STOPPED

    @property
    def has_ended(self) -> bool:
        return self.record is None or processes.has_ended(self.record)

    async def killed(self) -> None:
        """SIGKILL, and the end of it."""
        if self.record is not None:
            await asyncio.to_thread(processes.stop, self.record, by=signal.SIGKILL)

    def stopped(self) -> list[Stopped]:
        """The stops that came since they were armed, the first one first."""
        if not self.stops.exists():
            return []
        return msgspec.json.Decoder(Stopped).decode_lines(self.stops.read_bytes())

    async def health(self) -> Any:
        """What the process says of itself."""
        return (await self.world.client.get(f"{self.url}/health/ready")).json()

    async def counters(self) -> Counter[str]:
        return Counter((await self.health())["counters"])
