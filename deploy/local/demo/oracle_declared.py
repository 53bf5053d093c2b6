"""The oracle's half about values that a CPTS declares itself: which are refused, which stand.

Written from the rules (ADR 0019); shares no code with the services.
"""

import functools
import tomllib
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from deploy.local.demo.oracle_contracts import Contracts, paris_day
from deploy.local.demo.oracle_registers import TABLES
from deploy.local.demo.orders import Order

MAXIMA = {"basis_points": 10_000, "boolean": 1, "days": 366}
Figure = tuple[str, str, date]


@dataclass(frozen=True)
class Indicator:
    """An indicator of the catalogue, with the first days of the contract years that may have it."""

    source: str
    unit: str
    from_on: date
    to_on: date


@dataclass(frozen=True)
class Declared:
    """A value as a CPTS declared it; None where it took it back."""

    value: int | None
    true_on: date
    evidence_ids: tuple[str, ...]
    said_at: datetime = field(compare=False)


class Declarations:
    """All values that CPTS declared, of each the last one stands."""

    def __init__(self, contracts: Contracts) -> None:
        self._contracts = contracts
        self.said: defaultdict[Figure, list[Declared]] = defaultdict(list)

    def order(self, order: Order) -> str:
        """The outcome of an order that declares a value."""
        _, _, cpts_id, _, day, _, name = order.path.split("/")
        body, today, start = order.body, paris_day(order.at), date.fromisoformat(day)
        if order.role != "cpts":
            return "role_not_allowed"
        if order.acting_cpts != cpts_id:
            return "not_the_acting_cpts"
        indicator, end = catalogue().get(name), dict(self._contracts.cpts[cpts_id].years).get(start)
        if indicator is None:
            return "404"
        if indicator.source != "declared":
            return "not_declared"
        if end is None:
            return "404"
        if not indicator.from_on <= start <= indicator.to_on:
            return "indicator_not_of_that_year"
        if body["value"] > MAXIMA.get(indicator.unit, body["value"]):
            return "value_out_of_range"
        latest, said = min(today, end), self.said[cpts_id, name, start]
        true_on = date.fromisoformat(body.get("true_on", latest.isoformat()))
        if not start <= true_on <= latest:
            return "day_outside_contract_year"
        self._keep(said, body, true_on, order.at)
        return "ok"

    def _keep(
        self, said: list[Declared], body: dict[str, Any], true_on: date, at: datetime
    ) -> None:
        """Keep what is news; a day that nobody tells is that of what stands."""
        value = None if body.get("is_withdrawn") else body["value"]
        one = Declared(value, true_on, tuple(sorted({*body.get("evidence_ids", ())})), at)
        before = said[-1] if said else None
        told_on = true_on if before is None or "true_on" in body else before.true_on
        if before != Declared(one.value, told_on, one.evidence_ids, at):
            said.append(one)

    def standing(
        self, figure: Figure, known_at: datetime | None = None, true_on: date = date.max
    ) -> Declared | None:
        """The value said last of those known at an instant and true by a day, unless taken back."""
        last = [
            one
            for one in self.said.get(figure, ())
            if (known_at is None or one.said_at <= known_at) and one.true_on <= true_on
        ][-1:]
        return last[0] if last and last[0].value is not None else None

    def values(self) -> dict[Figure, int]:
        """The figures that are a declared value: 0 once it is taken back."""
        return {figure: said[-1].value or 0 for figure, said in self.said.items() if said}

    def evidence(self, figure: Figure) -> set[str]:
        """The evidence of the value that stands."""
        stands = self.standing(figure)
        return {*stands.evidence_ids} if stands else set()


@functools.cache
def catalogue() -> dict[str, Indicator]:
    """The indicators by their code."""
    told = tomllib.loads((TABLES / "indicators.toml").read_text("utf-8"))
    return {
        one["code"]: Indicator(
            one["source"], one["unit"], one["from_on"], one.get("to_on", date.max)
        )
        for one in told["indicator"]
    }
