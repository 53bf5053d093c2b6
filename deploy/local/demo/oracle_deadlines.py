"""The oracle's half about the deadlines of missions: counted from the signature of an ACI, near for
some days before, missed after.

It reads the data file of membership, and shares no code with the services.
"""

import calendar
import functools
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from deploy.local.demo.oracle_aci import Aci, Mission

RULES = Path(__file__).parents[3] / "services" / "membership" / "parameters.toml"
MONTHS = 12


@dataclass
class Deadline:
    """A day, the one on which it was met, and what time has made of it while it was not."""

    due_on: date
    met_on: date | None
    is_near: bool = False
    was_missed: bool = False

    @property
    def is_missed(self) -> bool:
        """Whether it was not met in time, as far as is known."""
        return self.was_missed or (self.met_on is not None and self.met_on > self.due_on)

    @property
    def is_near_now(self) -> bool:
        """Whether there is still time to meet it, and little."""
        return self.is_near and not self.was_missed and self.met_on is None


Deadlines = dict[tuple[str, str, str], Deadline]
"""The deadlines of a CPTS by ACI, mission and step."""


@functools.cache
def rules() -> dict[str, Any]:
    """What the file says of missions."""
    told: dict[str, Any] = tomllib.loads(RULES.read_text("utf-8"))["missions"]
    return told


def let_pass(deadlines: Deadlines, today: date) -> None:
    """Each that is not met is near so many days before, and missed from the day after on."""
    for one in deadlines.values():
        if one.met_on is None:
            one.is_near |= today >= one.due_on - timedelta(days=rules()["near_days"])
            one.was_missed |= today > one.due_on


def deadlines_of(
    present: Deadlines, acis: Mapping[str, Aci], missions: Iterable[Mission]
) -> Deadlines:
    """The deadlines as ACI and missions are now; one whose day stays keeps what was said of it."""
    found: Deadlines = {}
    for aci_id, aci in acis.items():
        if not aci.years:
            continue
        last_on = aci.years[-1].end
        held = [
            one
            for one in missions
            if one.started_on <= last_on and aci.starts_on <= (one.ended_on or date.max)
        ]
        for mission, step, months, met_on in _steps(held):
            due_on = months_after(aci.signed_on, months)
            if met_on is None and due_on > last_on:
                continue
            one = Deadline(due_on, met_on)
            before = present.get((aci_id, mission, step))
            if before is not None and before.due_on == due_on:
                one.is_near, one.was_missed = before.is_near, before.was_missed
            found[aci_id, mission, step] = one
    return found


def _steps(held: list[Mission]) -> Iterator[tuple[str, str, int, date | None]]:
    """Each step that has a deadline, after how many months, and when a mission first took it."""
    for rule in rules()["missions"]:
        name = rule["mission"]
        if "start_months" not in rule:
            continue
        ours = [one for one in held if one.mission == name]
        deployed = [one.deployed_on for one in ours if one.deployed_on is not None]
        started = [one.started_on for one in ours]
        yield name, "start", rule["start_months"], min(started, default=None)
        yield name, "deployment", rule["deployment_months"], min(deployed, default=None)


def months_after(day: date, months: int) -> date:
    """The same day so many months later, or the last day of that month."""
    years, month = divmod(day.month - 1 + months, MONTHS)
    year, month = day.year + years, month + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))
