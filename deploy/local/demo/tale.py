"""A tale of one CPTS, told order by order on a clock that is set before each step."""

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import httpx

from deploy.local.demo.driver import ClockFile
from deploy.local.demo.platform import Platform
from deploy.local.demo.play import clock_file
from deploy.local.paging import all_items
from deploy.local.processes import wait_until

WITHIN_SECONDS = 60


class TaleFailedError(Exception):
    """An order of the tale was refused, or something that must come did not; says which."""


class Tale:
    """Orders and questions of one CPTS, on a clock that is set before each step."""

    def __init__(
        self, stack: Platform, cpts_id: str, begins_at: datetime, report: Callable[[str], None]
    ) -> None:
        self._clock = ClockFile(clock_file(stack))
        self._clients = {
            name: httpx.Client(base_url=url, timeout=30, trust_env=False)
            for name, url in stack.http_urls.items()
        }
        self._cpts_id = cpts_id
        self.now = begins_at
        self._report = report

    def on(self, day: str, what: str) -> None:
        """It is this day, at the hour at which the tale began, and this happens."""
        self.now = datetime.combine(date.fromisoformat(day), self.now.timetz())
        self._clock.show(self.now)
        self._report(f"{date.fromisoformat(day):%d/%m/%Y}  {what}")

    def say(self, what: str) -> None:
        """What came of a step."""
        self._report(f"            {what}")

    def tick(self) -> None:
        """A second passes."""
        self.now += timedelta(seconds=1)
        self._clock.show(self.now)

    def give(
        self, service: str, role: str, method: str, path: str, body: Any = None, **headers: str
    ) -> Any:
        """Give an order; answers its answer. Raises `TaleFailedError` when it is refused."""
        self.tick()
        acting = {"Acting-Role": role, "Order-Instant": self.now.isoformat()}
        if role == "cpts":
            acting["Acting-Cpts"] = self._cpts_id
        content = {"content": body} if isinstance(body, bytes) else {"json": body}
        answer = self._clients[service].request(method, path, headers=acting | headers, **content)
        if not answer.is_success:
            raise TaleFailedError(f"{method} {path} : {answer.status_code} {answer.text}")
        return answer.json()

    def get(self, service: str, path: str, **headers: str) -> httpx.Response:
        """Ask a question."""
        answer = self._clients[service].get(path, headers=headers)
        if not answer.is_success:
            raise TaleFailedError(f"GET {path} : {answer.status_code} {answer.text}")
        return answer

    def listed(self, service: str, path: str) -> Iterator[dict[str, Any]]:
        """Every item of a paged list."""
        return all_items(lambda of: self.get(service, f"{path}?{urlencode(of)}").json())

    def until(self, what: str, is_so: Callable[[], bool]) -> None:
        """Wait until the chain has carried something through."""
        if not wait_until(is_so, within_seconds=WITHIN_SECONDS):
            raise TaleFailedError(f"attendu en vain : {what}")
