"""The oracle's half about what falls due to a CPTS: every sum's name, kind, cents and day, and
whether it is held.

Written from the rules (ADR 0020, and the texts that the data files of payments name); shares no
code with the services. Time is counted in fractions of a whole contract year, and each amount is
rounded down to the cent when it is taken.
"""

import calendar
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

from deploy.local.demo.oracle_aci import Mission, Year
from deploy.local.demo.oracle_scale import Rate, Scale
from deploy.local.demo.oracle_settlement import Dialogue

DAY = timedelta(days=1)
MONTHS = 12
CRISES = "crise_sanitaire"
RUNNING = "fonctionnement"


@dataclass(frozen=True)
class Due:
    """A sum: what for, how much (what the CPTS owes is negative), from when on, held or not."""

    kind: str
    cents: int
    due_on: date
    is_held: bool


Dues = dict[tuple[date, str], Due]
"""The sums of a CPTS by the first day of the contract year and their name."""


class Book:
    """Writes the sums of one CPTS down; a sum of nothing is none."""

    def __init__(self, scale: Scale) -> None:
        self._scale = scale
        self.dues: Dues = {}

    def put(self, year: date, name: str, kind: str, cents: int, due_on: date, *rates: Rate) -> None:
        """A sum that rests on these amounts of the scale."""
        if cents:
            self.dues[year, name] = Due(kind, cents, due_on, self._scale.is_held(rates))

    def put_rest(self, year: Year, name: str, kind: str, cents: int, rate: Rate) -> None:
        """What is left of a year's amount, or is to be recovered, on the day after the year."""
        end = year.end + DAY
        if cents < 0:
            self.put(year.start, name.replace("*", "recovery"), "recovery", cents, end, rate)
        else:
            self.put(year.start, name.replace("*", "balance"), kind, cents, end, rate)


def dues_of(
    years: Sequence[Year],
    *,
    tailles: Mapping[date, int],
    missions: Mapping[str, Mission],
    crises: Iterable[tuple[date, str]],
    scale: Scale,
    dialogues: Mapping[date, Dialogue],
) -> Dues:
    """Every sum of a CPTS, those of days to come included.

    `years` are those of all its ACI in order; `crises` those recognised in its département, each
    the day from which and its id; `dialogues` by the first day of the contract year.
    """
    book = Book(scale)
    _complement(book, years, tailles, scale)
    for year in years:
        taille = tailles.get(year.start)
        _running(book, year, taille, scale)
        _fixed_parts(book, year, taille, missions, scale)
        _recognised_crisis(book, year, taille, missions, sorted(crises), scale)
    for start, dialogue in dialogues.items():
        _settled(book, start, dialogue)
    return book.dues


def owed_accounts(dues: Mapping[str, Dues]) -> Counter[str]:
    """What the ledger owes, or holds, for each contract year, by the sums of each CPTS."""
    accounts: Counter[str] = Counter()
    for cpts_id, sums in dues.items():
        for (year, _), due in sums.items():
            state = "held" if due.is_held else "owed"
            accounts[f"{state}:{cpts_id}:{year.isoformat()}"] -= due.cents
    return accounts


def _share(year: Year, first_on: date, last_on: date, convention: str) -> Fraction:
    """The part of the whole year, to the eve of the anniversary, that these days are."""
    if convention == "months":
        months = _month_of_year(year, last_on) - _month_of_year(year, first_on) + 1
        return Fraction(months, MONTHS)
    return Fraction((last_on - first_on).days + 1, (year.whole_end - year.start).days + 1)


def _month_of_year(year: Year, day: date) -> int:
    """In which month from the anniversary a day lies, from 0; one that has begun counts."""
    months = MONTHS * (day.year - year.start.year) + day.month - year.start.month
    _, length = calendar.monthrange(day.year, day.month)
    is_begun = day.day >= min(year.start.day, length)
    return min(months if is_begun else months - 1, MONTHS - 1)


def _running(book: Book, year: Year, taille: int | None, scale: Scale) -> None:
    """Fonctionnement: an ACI's first year whole, at the signature; later an advance and the rest.

    An ACI that ends early keeps it whole, unless the rules say otherwise.
    """
    rate = scale.on(taille, RUNNING, RUNNING, year.start)
    if rate is None:
        return
    percent, convention = scale.rules.calendar(year.start)
    earned = rate.cents
    if scale.rules.is_fonctionnement_pro_rata:
        earned = int(rate.cents * _share(year, year.start, year.end, convention))
    if year.is_first:
        ahead, name, due_on = rate.cents, "signature", min(year.signed_on, year.start)
    else:
        ahead, name, due_on = int(rate.cents * Fraction(percent, 100)), "advance", year.start
    book.put(year.start, f"{RUNNING}:{name}", RUNNING, ahead, due_on, rate)
    book.put_rest(year, f"{RUNNING}:*", RUNNING, earned - ahead, rate)


def _fixed_parts(
    book: Book, year: Year, taille: int | None, missions: Mapping[str, Mission], scale: Scale
) -> None:
    """Each stretch of a mission in a year: ahead, a share of what it is worth if it runs to the
    anniversary; after the year, the rest of what it was worth on the days on which it ran.

    The second stretch of a mission in a year is called so.
    """
    percent, convention = scale.rules.calendar(year.start)
    plans = [one.started_on for one in missions.values() if one.mission == CRISES]
    stretches: Counter[str] = Counter()
    for _, one in sorted(missions.items(), key=lambda item: (item[1].started_on, item[0])):
        first_on = max(one.started_on, year.start)
        last_on = min(one.ended_on or date.max, year.end)
        part = "fixe"
        if one.mission == CRISES:
            part = "fixe_plan" if min(plans) >= year.start else "fixe_mise_a_jour"
        rate = scale.on(taille, one.mission, part, year.start, first_on)
        if first_on > last_on or rate is None:
            continue
        stretches[one.mission] += 1
        number = stretches[one.mission]
        name = f"{one.mission}:fixe:*" + (f":{number}" if number > 1 else "")
        to_anniversary = int(rate.cents * _share(year, first_on, year.whole_end, convention))
        ahead = int(to_anniversary * Fraction(percent, 100))
        book.put(year.start, name.replace("*", "advance"), "fixe", ahead, first_on, rate)
        earned = int(rate.cents * _share(year, first_on, last_on, convention))
        book.put_rest(year, name, "fixe", earned - ahead, rate)


def _recognised_crisis(
    book: Book,
    year: Year,
    taille: int | None,
    missions: Mapping[str, Mission],
    crises: Iterable[tuple[date, str]],
    scale: Scale,
) -> None:
    """The first crisis of a year that finds the mission running opens its amount; no other does."""
    for day, _ in crises:
        is_met = any(
            one.mission == CRISES and one.started_on <= day <= (one.ended_on or date.max)
            for one in missions.values()
        )
        if year.start <= day <= year.end and is_met:
            rate = scale.on(taille, CRISES, "crise_reconnue", year.start, day)
            if rate is not None:
                name, kind = f"{CRISES}:reconnue", "crise_reconnue"
                book.put(year.start, name, kind, rate.cents, day, rate)
            return


def _complement(
    book: Book, years: Sequence[Year], tailles: Mapping[date, int], scale: Scale
) -> None:
    """75 % of fonctionnement once, to a CPTS that signed its first ACI before a day; due when it
    signed, at the earliest when the rule began, in the contract year of that day or the next one.
    """
    first = min(years, key=lambda year: (year.signed_on, year.start), default=None)
    if first is None or first.signed_on >= scale.rules.complement_signed_before_on:
        return
    due_on = max(min(first.signed_on, first.start), scale.rules.complement_from_on)
    year = next((year for year in years if due_on <= year.end), None)
    if year is None:
        return
    rate = scale.on(tailles.get(year.start), RUNNING, "complement_75", due_on)
    if rate is not None:
        book.put(year.start, "complement_75", "complement_75", rate.cents, due_on, rate)


def _settled(book: Book, start: date, dialogue: Dialogue) -> None:
    """The variable part as it was settled, and what corrections changed of it later."""
    settled = dialogue.settled
    if settled is None:
        return
    rates = settled.envelopes.values()
    book.put(start, "variable", "variable", settled.cents, settled.settled_on, *rates)
    for one in dialogue.adjusted:
        book.put(one.due_year, one.name, "adjustment", one.cents, one.adjusted_on, *rates)
