"""The five services in one process, on a real Kafka and a real PostgreSQL, and a story's orders."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from deploy.local import databases
from deploy.local.stack import Stack
from services.gateway.app import gateway
from services.indicators.app import SERVICE as INDICATORS
from services.membership.app import SERVICE as MEMBERSHIP
from services.messaging.clock import DrivenClock
from services.messaging.process import Running, running
from services.messaging.settings import Settings
from services.payments.app import SERVICE as PAYMENTS
from services.referrals.app import SERVICE as REFERRALS
from tests.stack_fixtures import fresh_name

GATEWAY = gateway(is_insecure_demo=True)
SERVICES = (MEMBERSHIP, REFERRALS, INDICATORS, PAYMENTS, GATEWAY)
WITHIN_SECONDS = 20.0


async def eventually(
    ask: Callable[[], Awaitable[Any]], expected: Any, within_seconds: float = WITHIN_SECONDS
) -> Any:
    """Asks again until the answer is the expected one; fails with the last answer."""
    until = time.monotonic() + within_seconds
    while True:
        found = await ask()
        if found == expected:
            return found
        if time.monotonic() > until:
            raise AssertionError(f"expected {expected!r}, last found {found!r}")
        await asyncio.sleep(0.02)


class Platform:
    """The running services, one client, one driven clock that only goes forward."""

    def __init__(self, services: dict[str, Running], clock: DrivenClock) -> None:
        self.services = services
        self.clock = clock
        self.client = httpx.AsyncClient(timeout=30)
        self._stories = itertools.count(1)

    def url(self, service: str, path: str) -> str:
        return f"{self.services[service].address}{path}"

    async def order(
        self,
        service: str,
        method: str,
        path: str,
        body: Any,
        *,
        role: str,
        at: datetime,
        **headers: str,
    ) -> httpx.Response:
        """One order, dated by its instant. Raw bytes are sent as they are."""
        content: Any = {"content": body} if isinstance(body, bytes) else {"json": body}
        return await self.client.request(
            method,
            self.url(service, path),
            headers={"Acting-Role": role, "Order-Instant": at.isoformat(), **headers},
            **content,
        )

    async def get(self, service: str, path: str) -> Any:
        answer = await self.client.get(self.url(service, path))
        answer.raise_for_status()
        return answer.json()

    async def caught_up(self) -> None:
        """Waits until every service has handled all that the others said, along the chain."""
        for name in ("membership", "gateway", "referrals", "gateway", "indicators", "payments"):
            await self.services[name].caught_up()
            await self.services[name].relayed()

    def new_story(self, commune: str, *, name: str = "") -> "Story":
        """A story on its own commune, a year after the one before, so that the clock goes on."""
        number = next(self._stories)
        start = datetime(2026, 3, 2, 9, 0, tzinfo=UTC) + timedelta(days=364 * number)
        self.clock.set(start)
        return Story(self, commune, start, f"{name or 'cpts'}-{number}", f"81{number:010d}")


class Story:
    """A CPTS on one commune with a signed ACI, a doctor of its own and its demands.

    Its one contract line is linear: 100 € a demand, up to 50 demands.
    """

    def __init__(
        self, platform: Platform, commune: str, start: datetime, cpts_id: str, doctor: str
    ) -> None:
        self.platform = platform
        self.doctor = doctor
        self.commune = commune
        self.now = start
        self.cpts_id = cpts_id
        self.year = start.date()
        self._demands = itertools.count(1)

    def later(self, **delta: float) -> datetime:
        """The story goes on; timers follow."""
        self.now += timedelta(**delta)
        self.platform.clock.set(self.now)
        return self.now

    async def order(
        self, service: str, method: str, path: str, body: Any, role: str = "system"
    ) -> httpx.Response:
        acting = {"Acting-Cpts": self.cpts_id} if role == "cpts" else {}
        return await self.platform.order(
            service, method, path, body, role=role, at=self.now, **acting
        )

    async def done(
        self, service: str, method: str, path: str, body: Any, role: str = "system"
    ) -> Any:
        answer = await self.order(service, method, path, body, role)
        assert answer.is_success, answer.text
        return answer.json()

    async def register(self, **changes: Any) -> None:
        body = {"cpts_id": self.cpts_id, "cpts_name": f"CPTS {self.cpts_id}"}
        await self.done(
            "membership", "POST", "/cpts", body | {"seat_commune": self.commune} | changes
        )

    async def hold_place(self, from_on: date | None = None, **changes: Any) -> None:
        body = {"entry_id": f"{self.cpts_id}-place", "commune": self.commune}
        body |= {"from_on": (from_on or self.year).isoformat()} | changes
        await self.done("membership", "POST", f"/cpts/{self.cpts_id}/territory", body)

    async def add_member(self, rpps: str, *, member_id: str | None = None, **changes: Any) -> str:
        member_id = member_id or f"{self.cpts_id}-{rpps}"
        body: dict[str, Any] = {"member_id": member_id, "rpps": rpps, "profession": "10"}
        body |= {"from_on": self.year.isoformat(), "is_check_digit_overridden": True} | changes
        await self.done("membership", "POST", f"/cpts/{self.cpts_id}/members", body)
        return member_id

    async def add_participation(self, rpps: str, **changes: Any) -> str:
        participation_id = f"{self.cpts_id}-p-{rpps}"
        body: dict[str, Any] = {"participation_id": participation_id, "rpps": rpps}
        body["way"] = "own_office"
        body |= {"from_on": self.year.isoformat(), "is_check_digit_overridden": True} | changes
        await self.done("membership", "POST", f"/cpts/{self.cpts_id}/participations", body)
        return participation_id

    async def sign_aci(self) -> None:
        body = {"aci_id": f"{self.cpts_id}-aci", "signed_on": self.year.isoformat()}
        body["starts_on"] = self.year.isoformat()
        await self.done("membership", "POST", f"/cpts/{self.cpts_id}/aci", body)

    async def set_line(self, line_id: str = "sas_demandes_avec_rdv", **changes: Any) -> None:
        path = f"/cpts/{self.cpts_id}/contract-years/{self.year}/lines/{line_id}"
        body = {"mission": "acces_aux_soins", "mode": "linear", "max_cents": 5_000_00, "target": 50}
        await self.done("payments", "PUT", path, body | changes, "caisse")

    async def set_line_when_known(self) -> None:
        """Sets the line once payments has heard of the CPTS."""
        await self.platform.caught_up()
        await self.set_line()

    async def open(self) -> "Story":
        """The usual beginning: all in place, and known everywhere."""
        await self.register()
        await self.hold_place()
        await self.add_member(self.doctor)
        await self.sign_aci()
        await self.set_line_when_known()
        return self

    async def demand(self, *, expected_state: str = "offered", **changes: Any) -> str:
        body = {
            "source": "sas-test",
            "source_id": f"{self.cpts_id}-{next(self._demands)}",
            "commune": self.commune,
            "need": "consultation_generaliste",
            "urgency": "within_48h",
            "received_at": self.now.isoformat(),
        }
        answer = await self.done("referrals", "POST", "/demands", body | changes, "regulation")
        assert answer["state"] == expected_state, answer
        return str(answer["referral_id"])

    def accept_body(self, rpps: str, **changes: Any) -> dict[str, Any]:
        starts_at = (self.now + timedelta(hours=5)).isoformat()
        body = {"cpts_id": self.cpts_id, "practitioner_rpps": rpps, "starts_at": starts_at}
        return body | changes

    async def accept(self, referral_id: str, rpps: str, **changes: Any) -> Any:
        body = self.accept_body(rpps, **changes)
        return await self.done(
            "referrals", "POST", f"/referrals/{referral_id}/accept", body, "cpts"
        )

    async def referral(self, referral_id: str, action: str, body: Any = None) -> Any:
        path = f"/referrals/{referral_id}/{action}"
        return await self.done("referrals", "POST", path, body or {}, "cpts")

    async def state(self, referral_id: str) -> str:
        found = await self.platform.get("referrals", f"/referrals/{referral_id}")
        return str(found["state"])

    async def figure(self, indicator: str = "sas_demandes_avec_rdv") -> int | None:
        path = f"/cpts/{self.cpts_id}/figures/{indicator}/{self.year}"
        answer = await self.platform.client.get(self.platform.url("indicators", path))
        return int(answer.json()["value"]) if answer.status_code == 200 else None

    async def funding_cents(self) -> int | None:
        path = f"/cpts/{self.cpts_id}/funding"
        answer = await self.platform.client.get(self.platform.url("payments", path))
        if answer.status_code != 200:
            return None
        years = {one["starts_on"]: one for one in answer.json()["contract_years"]}
        year = years.get(self.year.isoformat())
        return int(year["variable_cents"]) if year else None

    async def worth(self) -> tuple[int | None, int | None]:
        return await self.figure(), await self.funding_cents()

    async def becomes_worth(self, figure: int, cents: int) -> None:
        """The figure and the funding come to these values."""
        await eventually(self.worth, (figure, cents))

    async def stays_worth(self, figure: int, cents: int) -> None:
        """All that was said has been handled, and the values are these."""
        await self.platform.caught_up()
        assert await self.worth() == (figure, cents)


@asynccontextmanager
async def running_platform(stack: Stack) -> AsyncIterator[Platform]:
    """The five services, up and ready, on fresh databases and topics."""
    name = fresh_name(stack, "j")
    urls = databases.create_databases(stack.admin_url, f"_{name}")
    clock = DrivenClock(datetime(2026, 3, 1, tzinfo=UTC))
    async with AsyncExitStack() as opened:
        evidence = opened.enter_context(TemporaryDirectory())
        services = {}
        for service in SERVICES:
            settings = Settings(
                service=service.name,
                database_url=urls[service.name],
                kafka=stack.kafka,
                namespace=f"{name}-",
                partitions=3,
                evidence_store_url=Path(evidence).as_uri(),
            )
            services[service.name] = await opened.enter_async_context(
                running(service, settings, clock)
            )
        platform = Platform(services, clock)
        yield platform
        await platform.client.aclose()
    databases.drop_databases(stack.admin_url, f"_{name}")
