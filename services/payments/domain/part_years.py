"""How long missions ran in a contract year: what a part of a year is worth of an amount."""

from collections.abc import Iterable, Mapping
from datetime import date

from services.payments.domain.calendar import DAY, Convention, Share, YearPart
from services.payments.domain.dues import Mission, Year
from services.payments.domain.dues_rules import DuesRules
from services.payments.domain.scale import WITH_VARIABLE_PART


def time_run(year: Year, missions: Iterable[Mission], mission: str, by: Convention) -> Share | None:
    """The share of a year that a mission ran, None when it did not.

    Stretches that touch or overlap are one; those of a year are never more than the year.
    """
    stretches = _stretches(year, [one for one in missions if one.mission == mission])
    if not stretches:
        return None
    shares = [year.share(first_on, last_on, by) for first_on, last_on in stretches]
    whole = shares[0].whole
    return Share(
        part=min(sum(share.part for share in shares), whole),
        whole=whole,
        first_on=stretches[0][0],
        last_on=stretches[-1][1],
        convention=by,
    )


def _stretches(year: Year, missions: Iterable[Mission]) -> list[tuple[date, date]]:
    found: list[tuple[date, date]] = []
    for one in sorted(missions, key=lambda one: one.started_on):
        first_on = max(one.started_on, year.starts_on)
        last_on = min(one.ended_on or year.ends_on, year.ends_on)
        if last_on < first_on:
            continue
        if found and first_on <= found[-1][1] + DAY:
            found[-1] = (found[-1][0], max(found[-1][1], last_on))
        else:
            found.append((first_on, last_on))
    return found


def parts_run(
    year: Year, missions: Iterable[Mission], kinds: Iterable[str], by: Convention
) -> Mapping[str, YearPart]:
    """The part of a year that each kind of mission ran, 0 where it did not."""
    missions = tuple(missions)
    whole = year.share(year.starts_on, year.whole_ends_on, by).whole
    found = {kind: time_run(year, missions, kind, by) for kind in kinds}
    return {
        kind: YearPart(part=share.part if share else 0, whole=whole)
        for kind, share in found.items()
    }


def parts_of_year(
    year: Year, missions: Iterable[Mission], rules: DuesRules
) -> Mapping[str, YearPart] | None:
    """The part of a year that each mission with a variable part ran; None where envelopes do not
    follow it.
    """
    if not rules.is_variable_part_pro_rata(year.starts_on):
        return None
    convention = rules.calendar_on(year.starts_on).pro_rata
    return parts_run(year, missions, WITH_VARIABLE_PART, convention)
