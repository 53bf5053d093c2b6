"""What is said of figures in the season: the caisse verifies them on evidence, CPTS agree or not,
the caisse validates, the ARS puts its visa; each of them errs, and corrects.

Some years are settled by it, together with what their dialogues say (`settlements`).
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from deploy.local.demo.cast import Cpts
from deploy.local.demo.hub import PARIS
from deploy.local.demo.missions import evidence_of
from deploy.local.demo.opening import Desk
from deploy.local.demo.orders import Draft
from deploy.local.demo.settlements import (
    DEMANDS,
    GROUPS,
    PRESENT,
    PREVENTION,
    SCREENED,
    TALKS,
    say,
    talks_of,
)
from deploy.local.demo.transfers import VEXIN

DECLARED_AT = datetime(2025, 12, 4, 9, 0, tzinfo=PARIS)
SAID_AT = datetime(2025, 12, 10, 9, 0, tzinfo=PARIS)
# After the later dialogues were opened, and before their years are settled.
LATER_SAID_AT = datetime(2026, 2, 16, 9, 0, tzinfo=PARIS)
CORRECTED_AT = datetime(2026, 3, 10, 9, 0, tzinfo=PARIS)
TAKEN_BACK_AT = datetime(2026, 3, 11, 9, 0, tzinfo=PARIS)
SATISFIED = "parcours_satisfaction"
RUNS, OPEN, SETTLED = "95-haut-val", "95-trois-forets", "95-parisis-est"
YEAR_OF = {RUNS: date(2025, 4, 1), OPEN: date(2025, 1, 1), SETTLED: date(2025, 2, 1)}
ROLES = {"verification": "caisse", "stance": "cpts", "validation": "caisse", "visa": "ars"}


class Sayer:
    """Says levels of the figures of one contract year, one after the other."""

    def __init__(self, desk: Desk, cpts_id: str, year: date, decided_on: date) -> None:
        self._desk, self._decided_on = desk, decided_on
        self._cpts_id, self._year = cpts_id, year

    def say(
        self,
        verb: str,
        indicator: str,
        value: int,
        *,
        role: str | None = None,
        acting_cpts: str | None = None,
        year: date | None = None,
        barrier: bool = False,
        **body: Any,
    ) -> Draft:
        """An order on a level, in the role of whose it is unless another one is told."""
        starts_on = (year or self._year).isoformat()
        path = f"/cpts/{self._cpts_id}/contract-years/{starts_on}/figures/{indicator}/{verb}"
        return self._desk.order(
            "indicators",
            "POST",
            path,
            {"value": value, "decided_on": self._decided_on.isoformat()} | body,
            role=role or ROLES[verb],
            lane=f"levels-{self._cpts_id}",
            acting_cpts=acting_cpts,
            barrier=barrier,
        )


def levels(random: Random, cast: Sequence[Cpts]) -> Iterator[Draft]:
    """All of these orders, some of which must be refused."""
    desk = Desk(SAID_AT, "levels")
    here = {id_: Sayer(desk, id_, year, SAID_AT.date()) for id_, year in YEAR_OF.items()}
    yield from _declared(Desk(DECLARED_AT, "declared"))
    yield from _refused(here[RUNS])
    yield from _verified(here[RUNS], random)
    yield from _validated(here[RUNS], random)
    # The dialogue says something else of the one, and holds that there is no value for the other.
    yield here[OPEN].say("validation", SCREENED, 7600)
    yield here[OPEN].say("verification", PRESENT, 7, sample_size=3, seed=random.randrange(2**32))
    held: dict[str, Any] = {"sample_size": 1, "ground": "period_contested"}
    yield here[SETTLED].say("verification", PREVENTION, 440, **held)
    yield from _settling(Desk(LATER_SAID_AT, "levels-later"), random, cast)
    yield from _corrected(Desk(CORRECTED_AT, "levels-corrected"))
    # The last word is the dialogue's, once payments has heard the other.
    back, year = Desk(TAKEN_BACK_AT, "level-taken-back"), YEAR_OF[SETTLED]
    yield say(back, SETTLED, year, PREVENTION, 450, is_after_timers=True, barrier=True)


def _declared(desk: Desk) -> Iterator[Draft]:
    """A share that a CPTS declares, corrects on another day and says again, and a line that reads
    it; a value that it takes back; seven refused.
    """

    def declare(indicator: str, value: int, **more: Any) -> Draft:
        year = more.pop("year", YEAR_OF[RUNS]).isoformat()
        orders = {name: more.pop(name) for name in ("role", "acting_cpts") if name in more}
        path = f"/cpts/{RUNS}/contract-years/{year}/declarations/{indicator}"
        body = {"value": value} | more
        told: dict[str, Any] = {"role": "cpts", "lane": f"declared-{RUNS}"} | orders
        return desk.order("indicators", "PUT", path, body, **told)

    yield declare(SATISFIED, 7200, role="caisse")
    yield declare(SATISFIED, 7200, acting_cpts=OPEN)
    yield declare("nombre_de_cafes", 7200)
    yield declare(GROUPS, 3)
    yield declare(SATISFIED, 7200, year=YEAR_OF[RUNS] + timedelta(days=1))
    yield declare(SATISFIED, 10_001)
    yield declare(SATISFIED, 7200, true_on="2025-12-05")
    yield declare(SATISFIED, 7200, evidence_ids=["enquete"])
    first = {"true_on": "2025-11-28", "evidence_ids": ["enquete", "depouillement"]}
    yield declare(SATISFIED, 7500, **first, reason="mistyped")
    yield declare(SATISFIED, 7500, **first)
    yield declare("parcours_professionnels_recenses", 40)
    yield declare("parcours_professionnels_recenses", 40, is_withdrawn=True)
    line = {"mission": "parcours_pluriprofessionnel", "mode": "linear", "max_cents": 5_000_00}
    path = f"/cpts/{RUNS}/contract-years/{YEAR_OF[RUNS].isoformat()}/lines/{SATISFIED}"
    yield desk.payments("PUT", path, line | {"target": 8000})


def _refused(one: Sayer) -> Iterator[Draft]:
    """In another's role, of what is not, too early, on another day, with other evidence."""
    yield one.say("validation", GROUPS, 3, role="cpts", barrier=True)
    yield one.say("visa", GROUPS, 3, role="caisse")
    yield one.say("verification", GROUPS, 3, role="ars", sample_size=1)
    yield one.say("stance", GROUPS, 3, role="caisse", answer="agreed")
    yield one.say("stance", GROUPS, 3, acting_cpts=OPEN, answer="agreed")
    yield one.say("stance", GROUPS, 3, answer="disagreed")
    yield one.say("validation", "nombre_de_cafes", 3)
    yield one.say("validation", GROUPS, 3, year=YEAR_OF[RUNS] + timedelta(days=1))
    yield one.say("validation", "consultations_snp", 3)
    yield one.say("visa", GROUPS, 3)
    eve, tomorrow = YEAR_OF[RUNS] - timedelta(days=1), SAID_AT.date() + timedelta(days=1)
    for day in (eve, tomorrow):
        yield one.say("validation", GROUPS, 3, decided_on=day.isoformat())
    wrong: dict[str, Any] = {"seed": 0, "sample_size": 1, "evidence_ids": evidence_of("g0")}
    yield one.say("verification", GROUPS, 3, **wrong)


def _verified(one: Sayer, random: Random) -> Iterator[Draft]:
    """On all the evidence, on a sample that the caisse chose, on one that is drawn, on none."""
    seed = random.randrange(2**32)
    told = [piece for name in ("g0", "g1", "g2", "soiree") for piece in evidence_of(name)]
    whole: dict[str, Any] = {"sample_size": 100, "evidence_ids": told}
    yield one.say("verification", PRESENT, random.randrange(3, 7), seed=seed, **whole)
    yield one.say("verification", PREVENTION, 170, sample_size=1, seed=seed)
    yield one.say("verification", GROUPS, 2, sample_size=3)
    yield one.say("verification", SCREENED, 6990, sample_size=2, ground="rule_contested")
    # Of what the CPTS declared itself.
    yield one.say("verification", SATISFIED, 7400, sample_size=1, seed=seed)


def _validated(one: Sayer, random: Random) -> Iterator[Draft]:
    """With agreement and visa; in disagreement, and again with another value, on which nobody has
    said anything: what the ARS said of the first stands no more.
    """
    yield one.say("stance", GROUPS, 3, answer="agreed")
    yield one.say("validation", GROUPS, 3)
    yield one.say("visa", GROUPS, 2)
    yield one.say("visa", GROUPS, 3)
    value = random.randrange(100, 160)
    contested: dict[str, Any] = {"answer": "disagreed", "reason": "evidence_left_out"}
    yield one.say("stance", PREVENTION, value, **contested, evidence_ids=["courrier"])
    yield one.say("validation", PREVENTION, value, ground="value_contested")
    yield one.say("visa", PREVENTION, value)
    yield one.say("validation", PREVENTION, value + 10)
    # A line of the contract alone has its levels too.
    yield one.say("validation", "local_annuaire", 1)


def _settling(desk: Desk, random: Random, cast: Sequence[Cpts]) -> Iterator[Draft]:
    """What the caisse validates of years that are over: one value of three with the agreement of
    the CPTS, one against what it says of this value or of another, every second one with a visa.
    """
    contested: dict[str, Any] = {"answer": "disagreed", "reason": "value_contested"}
    for n, (cpts_id, talk) in enumerate(talks_of(cast).items()):
        one = Sayer(desk, cpts_id, talk.year, LATER_SAID_AT.date())
        for m, (indicator, value) in enumerate(talk.levels.items(), start=n):
            if m % 3 == 0:
                yield one.say("stance", indicator, value, answer="agreed")
            elif m % 3 == 1:
                yield one.say("stance", indicator, value + random.choice((0, 1)), **contested)
            yield one.say("validation", indicator, value)
            if m % 2 == 0:
                yield one.say("visa", indicator, value)


def _corrected(desk: Desk) -> Iterator[Draft]:
    """After the settlement: a value that changes the sum, with its visa; one of a CPTS that is a
    part of another; what the CPTS says, and what is verified, change none.
    """
    day = CORRECTED_AT.date()
    one = Sayer(desk, SETTLED, YEAR_OF[SETTLED], day)
    yield one.say("validation", PREVENTION, 440, barrier=True)
    yield one.say("visa", PREVENTION, 440)
    yield one.say("verification", GROUPS, 1, sample_size=1)
    yield one.say("stance", GROUPS, 1, answer="agreed")
    yield Sayer(desk, VEXIN, TALKS[VEXIN].year, day).say("validation", DEMANDS, 2)
