"""Orders that come for as long as they are wanted: drawn one by one, and some put in between.

Each is numbered as it leaves, so that the oracle reads them all in the end, as it reads those of a
season.
"""

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import msgspec

from deploy.local.demo.driver import BEFORE
from deploy.local.demo.orders import Draft, Order
from tests.faults.history import History
from tests.faults.play import HeldDriver

ENDS_AFTER = timedelta(days=4)  # every limit of a demand lies before


class Drawn(list[Order]):
    """The orders drawn so far; to go through it draws the others, until it is closed."""

    def __init__(self, source: Iterator[Draft]) -> None:
        super().__init__()
        self._source = source
        self._put_in: list[Draft] = []
        self.is_closed = False

    @property
    def now(self) -> datetime:
        """The instant of the last order drawn."""
        return self[-1].at

    @property
    def ends_at(self) -> datetime:
        """An instant after every limit in them."""
        return self.now + ENDS_AFTER

    def put_in(self, drafts: list[Draft]) -> None:
        """Send these next, dated now; who put them in sees them answered by their keys."""
        self._put_in += drafts

    def __iter__(self) -> Iterator[Order]:
        """Number and yield order after order."""
        while not self.is_closed or self._put_in:
            if self._put_in:
                draft = msgspec.structs.replace(self._put_in.pop(0), at=self.now)
            elif (found := next(self._source, None)) is not None:
                draft = found
            else:
                return
            order = Order(n=len(self) + 1, **msgspec.structs.asdict(draft))
            self.append(order)
            yield order


class StreamDriver(HeldDriver):
    """Sends what is drawn; on demand it sends orders twice at once, as impatient callers do."""

    lag_seconds_max = 0.5

    def __init__(self, orders: Drawn, history: History, **more: Any) -> None:
        super().__init__(orders, ends_at=BEGINNING, **more)
        self._history = history
        self.drawn = orders
        self.answered: dict[str, str] = {}  # by key
        self.to_double = 0
        self.doubled = 0
        self.answered_differently: list[str] = []

    async def _answer(self, order: Order) -> str:
        self._history.note("sent", order.n, order.service, order.method, order.path)
        if not self.to_double:
            outcome = await super()._answer(order)
        else:
            self.to_double -= 1
            asked = super()._answer
            outcome, again = await asyncio.gather(asked(order), asked(order))
            self.doubled += 1
            if outcome != again:
                self.answered_differently.append(f"order {order.n}: {outcome}, then {again}")
        self.answered[order.key] = outcome
        self._history.note("answered", order.n, outcome)
        return outcome

    def _instant(self) -> datetime:
        """Just before the first order still unanswered, or the one to come."""
        outcomes = self.progress.outcomes
        while (
            self._first_unanswered < len(self.drawn)
            and self.drawn[self._first_unanswered].n in outcomes
        ):
            self._first_unanswered += 1
        place = min(self._first_unanswered, len(self.drawn) - 1)
        return self.drawn[place].at - BEFORE if self.drawn else BEGINNING


BEGINNING = datetime.fromisoformat("2026-03-01T00:00:00+01:00")
