"""One process of a service, started by the launcher, with its bounds; and waiting with a limit."""

import asyncio
import signal
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Any

import httpx
import msgspec
import psutil

from deploy.local import ports, processes
from deploy.local import services as service_processes
from deploy.local.services import ROOT
from services.messaging.settings import Limits
from tests.faults.launcher import Stop, Stopped

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
    """One process of a service, started by the launcher."""

    def __init__(self, world: "World", service: str, name: str) -> None:
        self.world, self.service, self.name = world, service, name
        self.port = ports.free_port(world.ports)
        world.ports.add(self.port)
        self.url = f"http://127.0.0.1:{self.port}"
        self.stops = world.folder / f"{name}.stops"
        self.log = world.folder / f"{name}.log"
        self.record: RecordedProcess | None = None

    def start(
        self,
        stops: Iterable[Stop] = (),
        without: Iterable[str] = (),
        limits: Limits = LIMITS,
    ) -> "Process":
        command = [sys.executable, "-m", "tests.faults.launcher", self.service]
        command += ["--limits", msgspec.json.encode(limits).decode(), "--stops", str(self.stops)]
        for stop in stops:
            command += ["--stop-at", str(stop)]
        for guard in without:
            command += ["--without", guard]
        self.stops.unlink(missing_ok=True)
        environment = self.environment()
        self.record = processes.start(command, log=self.log, environment=environment, folder=ROOT)
        return self

    def environment(self) -> dict[str, str]:
        """What a process of this service finds in its environment."""
        return self.world.stack.service_environment(self.service) | {
            "DATABASE_URL": self.world.database_urls[self.service],
            "HTTP_PORT": str(self.port),
            "CPTS_MEMBER": self.name,
            "CPTS_NAMESPACE": self.world.namespace,
            "CPTS_PARTITIONS": str(PARTITIONS),
            "CPTS_CLOCK_FILE": str(self.world.clock.path),
        }

    async def is_ready(self) -> bool:
        return (await asyncio.to_thread(service_processes.readiness, self.url))[0]

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
        """The stops that came since the start, the first one first."""
        if not self.stops.exists():
            return []
        return msgspec.json.Decoder(Stopped).decode_lines(self.stops.read_bytes())

    async def health(self) -> Any:
        """What the process says of itself."""
        async with httpx.AsyncClient(timeout=10) as client:
            return (await client.get(f"{self.url}/health/ready")).json()

    async def counters(self) -> Counter[str]:
        return Counter((await self.health())["counters"])
