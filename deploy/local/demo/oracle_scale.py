"""The oracle's half about the scale: amounts by taille, mission and part, who confirmed them, and
the rules of the calendar.

It reads the data files of payments (`rates/*.toml`, `parameters.toml`) and what the orders publish
or confirm; it shares no code with the services.
"""

import functools
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

DATA = Path(__file__).parents[3] / "services" / "payments"


@dataclass(frozen=True)
class Rate:
    """An amount of the scale, from a day on."""

    rate_id: str
    from_on: date
    to_on: date | None
    taille: int
    mission: str
    part: str
    cents: int
    is_verified: bool


@dataclass(frozen=True)
class Rules:
    """How much is paid ahead and how time counts (`days` or `months`), in contract years that begin
    in a period; who gets the one-off complement; what fonctionnement an ACI ended early is worth.
    """

    calendars: tuple[tuple[date, int, str], ...]
    complement_from_on: date
    complement_signed_before_on: date
    is_fonctionnement_pro_rata: bool

    def calendar(self, year: date) -> tuple[int, str]:
        """The percent paid ahead and the convention, in a contract year that begins that day."""
        begun = [one for one in self.calendars if one[0] <= year] or [min(self.calendars)]
        return max(begun)[1:]


class Scale:
    """The amounts that are known, those of the files first, and the confirmed ones."""

    def __init__(self, rules: Rules | None = None) -> None:
        self.rules = rules or rules_of_file()
        self._rates = list(rates_of_files())
        self._confirmed: dict[str, dict[str, Any]] = {}

    def publish(self, body: dict[str, Any]) -> str:
        """The outcome of an order that publishes an amount."""
        days = {
            name: date.fromisoformat(body[name])
            for name in ("from_on", "to_on")
            if body.get(name) is not None
        }
        self._rates.append(_rate(body | days, is_verified=body["is_verified"]))
        return "ok"

    def confirm(self, body: dict[str, Any], today: date) -> str:
        """The outcome of an order by which somebody answers for an amount: the first one stands."""
        known = [rate for rate in self._rates if rate.rate_id == body["rate_id"]]
        if not known:
            return "404"
        if date.fromisoformat(body["read_on"]) > today:
            return "read_in_the_future"
        if known[0].cents != body["amount_cents"]:
            return "another_amount"
        first = self._confirmed.setdefault(body["rate_id"], body)
        return "ok" if first == body else "already_confirmed"

    def on(self, taille: int | None, mission: str, part: str, *days: date) -> Rate | None:
        """The amount in force on the first of these days on which there is one."""
        for day in days:
            there = [
                (rate.from_on, place, rate)
                for place, rate in enumerate(self._rates)
                if (rate.taille, rate.mission, rate.part) == (taille, mission, part)
                and rate.from_on <= day
                and (rate.to_on is None or day <= rate.to_on)
            ]
            if there:
                return max(there)[2]
        return None

    def envelope(self, taille: int | None, mission: str, year: date) -> Rate | None:
        """The most that the lines of a mission bring in a contract year that begins that day."""
        return self.on(taille, mission, "variable", year)

    def is_held(self, rates: Iterable[Rate]) -> bool:
        """Whether a sum on these amounts waits for one that nobody verified or confirmed."""
        return any(not rate.is_verified and rate.rate_id not in self._confirmed for rate in rates)


def _rate(told: dict[str, Any], *, is_verified: bool) -> Rate:
    return Rate(
        rate_id=told["rate_id"],
        from_on=told["from_on"],
        to_on=told.get("to_on"),
        taille=told["taille"],
        mission=told["mission"],
        part=told["part"],
        cents=told["amount_cents"],
        is_verified=is_verified,
    )


@functools.cache
def rates_of_files() -> tuple[Rate, ...]:
    """Every amount of payments' files, in order of file and place."""
    return tuple(
        _rate(one, is_verified=one["verified"])
        for path in sorted((DATA / "rates").glob("*.toml"))
        for one in tomllib.loads(path.read_text("utf-8"))["rate"]
    )


@functools.cache
def rules_of_file() -> Rules:
    """The rules as payments' file has them."""
    told = tomllib.loads((DATA / "parameters.toml").read_text("utf-8"))
    return Rules(
        calendars=tuple(
            (one["from_on"], one["advance_percent"], one["pro_rata"]) for one in told["calendar"]
        ),
        complement_from_on=told["complement_75"]["from_on"],
        complement_signed_before_on=told["complement_75"]["signed_before_on"],
        is_fonctionnement_pro_rata=told["termination"]["fonctionnement"] == "pro_rata",
    )
