"""The oracle's half about dialogues de gestion: validated values, settlements, adjustments.

Written from the rules (ADR 0020, 0027); shares no code with the services.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from deploy.local.demo.oracle_contracts import Contracts, paris_day
from deploy.local.demo.oracle_levels import VALIDATED, VISA, Best, Levels
from deploy.local.demo.oracle_lines import Line, Lines, worth
from deploy.local.demo.oracle_scale import Rate, Scale


@dataclass(frozen=True)
class Settled:
    """What a year was settled at, by which lines and envelopes, and which indicators lacked the
    agreement of the CPTS or the visa of the ARS: nothing moves it any more.
    """

    settled_on: date
    cents: int
    lines: tuple[Line, ...]
    envelopes: dict[str, Rate]
    without_agreement: tuple[str, ...]
    without_visa: tuple[str, ...]

    def cents_by(self, values: dict[str, int]) -> int:
        """What it would be worth by these values."""
        return worth(self.lines, values, {name: one.cents for name, one in self.envelopes.items()})


@dataclass(frozen=True)
class Adjustment:
    """What a correction after the settlement adds or takes, in the contract year then open."""

    due_year: date
    name: str
    adjusted_on: date
    cents: int


@dataclass
class Dialogue:
    """A contract year that is over and talked about: the last word on each value, which is None
    when it is contested, and when it was said.
    """

    opened_on: date
    words: dict[str, tuple[datetime, int | None]] = field(default_factory=dict)
    settled: Settled | None = None
    adjusted: list[Adjustment] = field(default_factory=list)

    @property
    def due_cents(self) -> int | None:
        """All that was settled and adjusted; None before."""
        if self.settled is None:
            return None
        return self.settled.cents + sum(one.cents for one in self.adjusted)


class Dialogues:
    """All dialogues, by CPTS and first day of the contract year."""

    def __init__(self, contracts: Contracts, scale: Scale, lines: Lines, levels: Levels) -> None:
        self._contracts, self._scale, self._lines = contracts, scale, lines
        self._levels = levels
        self.held: dict[tuple[str, date], Dialogue] = {}

    def of(self, cpts_id: str, year: date) -> Dialogue | None:
        """The dialogue of a contract year, if it is open or was."""
        return self.held.get((cpts_id, year))

    def of_cpts(self, cpts_id: str) -> dict[date, Dialogue]:
        """The dialogues of a CPTS by the first day of the contract year."""
        return {year: one for (whose, year), one in self.held.items() if whose == cpts_id}

    def open(self, cpts_id: str, year: date, body: dict[str, Any], today: date) -> str:
        """The outcome of an order that opens a dialogue."""
        ends = dict(self._contracts.cpts[cpts_id].years)
        opened_on = date.fromisoformat(body["opened_on"])
        if year not in ends:
            return "404"
        if (cpts_id, year) in self.held:
            return "ok"
        if opened_on <= ends[year]:
            return "year_not_over"
        if opened_on > today:
            return "opened_in_the_future"
        self.held[cpts_id, year] = Dialogue(opened_on)
        return "ok"

    def best(self, cpts_id: str, year: date) -> dict[str, Best]:
        """The value of each indicator that counts before the live one, where there is one."""
        dialogue = self.of(cpts_id, year)
        words = dialogue.words if dialogue else {}
        levels = {
            name for whose, name, start in [*self._levels.said] if (whose, start) == (cpts_id, year)
        }
        found = {
            name: self._levels.best((cpts_id, name, year), words.get(name))
            for name in sorted({*words, *levels})
        }
        return {name: best for name, best in found.items() if best is not None}

    def _validated(self, cpts_id: str, year: date) -> dict[str, int]:
        """The values by which a year may be settled."""
        best = self.best(cpts_id, year)
        return {name: one.value for name, one in best.items() if one.level in (VALIDATED, VISA)}

    def say(
        self, cpts_id: str, year: date, indicator: str, body: dict[str, Any], at: datetime
    ) -> str:
        """The outcome of an order on one value: once the year is settled, it is adjusted."""
        dialogue = self.of(cpts_id, year)
        if dialogue is None:
            return "dialogue_not_open"
        settled = dialogue.settled
        lines = settled.lines if settled else self._lines.get((cpts_id, year), {}).values()
        if indicator not in {line["indicator"] for line in lines}:
            return "unknown_line"
        value = body.get("validated_value")
        if settled and value is None:
            return "value_needed"
        dialogue.words[indicator] = (at, value)
        self.adjust(cpts_id, year, paris_day(at))
        return "ok"

    def adjust(self, cpts_id: str, year: date, today: date) -> None:
        """Adjust a year that is settled by its values as they are now."""
        dialogue = self.of(cpts_id, year)
        if dialogue is None or dialogue.settled is None or dialogue.due_cents is None:
            return
        now = dialogue.settled.cents_by(self._validated(cpts_id, year))
        if now != dialogue.due_cents:
            adjustment = self._adjustment(cpts_id, now - dialogue.due_cents, today)
            dialogue.adjusted.append(adjustment)

    def _adjustment(self, cpts_id: str, cents: int, today: date) -> Adjustment:
        """Of the year that is open today, else of the last one; numbered within that year."""
        years = self._contracts.cpts[cpts_id].years
        due_year = next((start for start, end in years if start <= today <= end), years[-1][0])
        before = [
            one
            for (whose, _), dialogue in self.held.items()
            for one in dialogue.adjusted
            if (whose, one.due_year) == (cpts_id, due_year)
        ]
        return Adjustment(due_year, f"adjustment:{len(before) + 1}", today, cents)

    def settle(self, cpts_id: str, year: date, body: dict[str, Any], today: date) -> str:
        """The outcome of an order that settles a year at the sum that both sides agreed on."""
        dialogue = self.of(cpts_id, year)
        if dialogue is None:
            return "dialogue_not_open"
        if dialogue.settled is not None:
            return "already_settled"
        lines = tuple(self._lines.get((cpts_id, year), {}).values())
        validated, best = self._validated(cpts_id, year), self.best(cpts_id, year)
        indicators = {line["indicator"] for line in lines}
        if indicators - validated.keys():
            return "values_missing"
        taille = self._contracts.cpts[cpts_id].tailles[year]
        missions = {line["mission"] for line in lines}
        found = {name: self._scale.envelope(taille, name, year) for name in missions}
        envelopes = {name: rate for name, rate in found.items() if rate is not None}
        if len(envelopes) < len(missions):
            return "rate_unknown"
        agreed: int = body["variable_cents"]
        settled = Settled(
            today,
            agreed,
            lines,
            envelopes,
            without_agreement=tuple(
                sorted(name for name in indicators if best[name].answer != "agreed")
            ),
            without_visa=tuple(sorted(name for name in indicators if best[name].level != VISA)),
        )
        if settled.cents_by(validated) != agreed:
            return "another_sum"
        dialogue.settled = settled
        return "ok"

    def settle_many(self, years: list[dict[str, Any]], today: date) -> str:
        """The outcome of an order that settles many years: those that can be are."""
        for one in years:
            self.settle(one["cpts_id"], date.fromisoformat(one["starts_on"]), one, today)
        return "ok"
