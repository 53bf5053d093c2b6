"""What comes after the contract years: dialogues de gestion, years settled, corrections after that.

Told at the end of the season, when the clock goes past the end of some contract years. What both
sides agree on is worked out here by hand.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import msgspec

from deploy.local.demo.cast import Cpts
from deploy.local.demo.hub import PARIS
from deploy.local.demo.opening import Desk
from deploy.local.demo.orders import Draft
from deploy.local.demo.transfers import RIVE, VEXIN

DOCTORS, DEMANDS = "sas_medecins_participants", "sas_demandes_avec_rdv"
WITHOUT_DOCTOR, SCREENED = "medecin_traitant_ald_sans", "depistage_sein"
PREVENTION, GROUPS, PRESENT = "prevention_participants", "qualite_reunions", "qualite_participants"
OPENED_AT = datetime(2025, 12, 15, 9, 0, tzinfo=PARIS)
SETTLED_AT = datetime(2025, 12, 18, 9, 0, tzinfo=PARIS)
LATER_OPENED_AT = datetime(2026, 2, 10, 9, 0, tzinfo=PARIS)
LATER_SETTLED_AT = datetime(2026, 3, 2, 9, 0, tzinfo=PARIS)
LAST_OPENED_AT = datetime(2026, 3, 2, 8, 0, tzinfo=PARIS)
SETTLED_AT_ONCE_AT = datetime(2026, 3, 3, 9, 0, tzinfo=PARIS)
CORRECTED_AT = datetime(2026, 3, 9, 9, 0, tzinfo=PARIS)


class Talk(msgspec.Struct, frozen=True, kw_only=True):
    """The dialogue of a contract year: a target of the line on demands that is agreed on first, if
    any, the values that it validates, those that the caisse validates in indicators (`levels`), and
    the sum that all give; then, one by one, other values. Years of a `is_batch` are settled by one
    order.
    """

    year: date
    demands: tuple[int, int] | None = None
    values: Mapping[str, int | None] = {}
    levels: Mapping[str, int] = {}
    agreed_cents: int | None = None
    corrections: tuple[tuple[str, int], ...] = ()
    is_later: bool = False
    is_batch: bool = False

    @property
    def opened_at(self) -> datetime:
        """When the dialogue is opened."""
        if self.is_batch:
            return LAST_OPENED_AT
        return LATER_OPENED_AT if self.is_later else OPENED_AT


TALKS: dict[str, Talk] = {
    # Doctors 19 999 × 33/41, demands 25 000 × 317/400: below the envelope of 45 000.
    "95-plaine-vallee": Talk(
        year=date(2024, 9, 15),
        demands=(25_000, 400),
        values={DOCTORS: 33, DEMANDS: 317},
        agreed_cents=16_096_75 + 19_812_50,
        # − 1 463.34: three doctors fewer, owed back in the year that is open.
        corrections=((DOCTORS, 30),),
    ),
    # The year that ended early. Access: no demand, 900 for few without a doctor. Prevention: 2 500
    # and 12 000 × 333/800. Quality: 4 000, 3 000 × 6/7, and 4 000 for six.
    "95-parisis-ouest": Talk(
        year=date(2025, 5, 1),
        values={
            DEMANDS: 0,
            WITHOUT_DOCTOR: 50,
            SCREENED: 7240,
            PREVENTION: 333,
            GROUPS: 2,
            PRESENT: 6,
        },
        agreed_cents=900_00 + 2_500_00 + 4_995_00 + 4_000_00 + 2_571_42 + 4_000_00,
        # One present fewer: − 428.57 and − 4 000, in the last year there was.
        corrections=((PRESENT, 5),),
    ),
    # Access: 15 000 × 20/23, 20 000 × 470/500 and 600. Prevention: 1 000 and 12 000 × 450/800.
    # Quality: 4 000, 3 000 and 4 000.
    "95-parisis-est": Talk(
        year=date(2025, 2, 1),
        demands=(20_000, 500),
        values={
            DOCTORS: 20,
            DEMANDS: 470,
            WITHOUT_DOCTOR: 100,
            PRESENT: 7,
        },
        levels={SCREENED: 6970, PREVENTION: 450, GROUPS: 2},
        agreed_cents=13_043_47 + 18_800_00 + 600_00 + 1_000_00 + 6_750_00 + 11_000_00,
        # + 1 200; then + 1 956.53, of which the envelope of 35 000 lets + 1 356.53 through; then
        # − 600, which changes nothing above the envelope; the same again says nothing.
        corrections=((DEMANDS, 500), (DOCTORS, 23), (WITHOUT_DOCTOR, 250), (WITHOUT_DOCTOR, 250)),
        is_later=True,
    ),
    # Not settled yet: what is validated counts in the estimate, what is contested does not.
    "95-trois-forets": Talk(
        year=date(2025, 1, 1), values={SCREENED: 7240, PRESENT: None}, is_later=True
    ),
    # 9 000 for doctors, 20 000 × 199/250 for demands.
    "15-aurillac": Talk(
        year=date(2024, 10, 1),
        demands=(20_000, 250),
        values={DOCTORS: 6, DEMANDS: 199},
        agreed_cents=9_000_00 + 15_920_00,
        # There, beyond the target, and back: + 4 080, then − 4 080.
        corrections=((DEMANDS, 260), (DEMANDS, 199)),
    ),
    # Access: 18 000 × 12/30. Prevention: 3 500 and 12 000. Quality: 3 000 × 5/7 and 4 000.
    "974-ouest": Talk(
        year=date(2025, 1, 1),
        values={
            DOCTORS: 12,
            DEMANDS: 0,
            WITHOUT_DOCTOR: 300,
            SCREENED: 7600,
            PREVENTION: 810,
            GROUPS: 1,
            PRESENT: 5,
        },
        agreed_cents=7_200_00 + 3_500_00 + 12_000_00 + 2_142_85 + 4_000_00,
        # Beyond its target already: no adjustment.
        corrections=((PREVENTION, 900),),
        is_later=True,
    ),
    # 9 000 × 2/9 and 3 000, of the year in which one took the other in and of that one's last.
    RIVE: Talk(
        year=date(2024, 11, 1),
        levels={DEMANDS: 2},
        agreed_cents=2_000_00,
        is_batch=True,
    ),
    VEXIN: Talk(
        year=date(2025, 1, 1),
        levels={DEMANDS: 3},
        agreed_cents=3_000_00,
        is_batch=True,
    ),
    # Access: 10 000 × 6/9, 24 000 × 150/200 and 300. Prevention: 1 000 and 12 000 × 80/800.
    # Quality: 3 000 × 4/7.
    "15-saint-flour": Talk(
        year=date(2025, 3, 1),
        demands=(24_000, 200),
        values={DOCTORS: 6, DEMANDS: 150, WITHOUT_DOCTOR: 219},
        levels={SCREENED: 6970, PREVENTION: 80, GROUPS: 1, PRESENT: 4},
        agreed_cents=6_666_66 + 18_000_00 + 300_00 + 1_000_00 + 1_200_00 + 1_714_28,
        is_batch=True,
    ),
    # Access: 8 400 of a step, 23 000 × 333/500 and 600. Prevention: 3 500 and 12 000 × 720/800.
    # Quality: 4 000, 3 000 and 4 000.
    "974-sud": Talk(
        year=date(2025, 2, 15),
        demands=(23_000, 500),
        levels={
            DOCTORS: 7,
            DEMANDS: 333,
            WITHOUT_DOCTOR: 60,
            SCREENED: 7500,
            PREVENTION: 720,
            GROUPS: 2,
            PRESENT: 8,
        },
        agreed_cents=8_400_00 + 15_318_00 + 600_00 + 3_500_00 + 10_800_00 + 11_000_00,
        is_batch=True,
    ),
}


def settlements(cast: Sequence[Cpts]) -> Iterator[Draft]:
    """All of these orders, some of which must be refused; the first wait until all is heard."""
    talks = talks_of(cast)
    yield from _refused_before(Desk(OPENED_AT - timedelta(hours=1), "dialogue-refused"))
    opened = {
        at: Desk(at, f"dialogue-{at.date()}") for at in (OPENED_AT, LATER_OPENED_AT, LAST_OPENED_AT)
    }
    settled = {False: Desk(SETTLED_AT, "settled"), True: Desk(LATER_SETTLED_AT, "settled-later")}
    for cpts_id, talk in talks.items():
        yield from _opened(opened[talk.opened_at], cpts_id, talk)
        yield from _settled(settled[talk.is_later], cpts_id, talk)
    yield from _settled_at_once({id_: talk for id_, talk in talks.items() if talk.is_batch})
    yield from _late_fact(next(one for one in cast if one.cpts_id == "95-parisis-est"))
    corrected = Desk(CORRECTED_AT, "corrected")
    for cpts_id, talk in talks.items():
        for indicator, value in talk.corrections:
            yield say(corrected, cpts_id, talk.year, indicator, value)
    yield from _refused_after(corrected, "95-plaine-vallee")


def talks_of(cast: Sequence[Cpts]) -> dict[str, Talk]:
    """The dialogues of the CPTS that play, by id."""
    there = {RIVE, VEXIN, *(cpts.cpts_id for cpts in cast)}
    return {cpts_id: talk for cpts_id, talk in TALKS.items() if cpts_id in there}


def _path(cpts_id: str, year: date, what: str) -> str:
    return f"/cpts/{cpts_id}/contract-years/{year.isoformat()}/{what}"


def _order(
    desk: Desk, cpts_id: str, year: date, what: str, body: dict[str, Any], **more: Any
) -> Draft:
    """An order on a contract year: those of one year come one after the other."""
    method = "PUT" if "lines/" in what else "POST"
    lane = f"settlement-{cpts_id}-{year.isoformat()}"
    return desk.payments(method, _path(cpts_id, year, what), body, lane=lane, **more)


def _open(desk: Desk, cpts_id: str, year: date, opened_on: date, **more: Any) -> Draft:
    body = {"opened_on": opened_on.isoformat()}
    return _order(desk, cpts_id, year, "dialogue", body, **more)


def say(
    desk: Desk, cpts_id: str, year: date, indicator: str, value: int | None, **more: Any
) -> Draft:
    """The caisse's word on a value in the dialogue; None where it holds that there is none."""
    stance = "agrees" if value is not None else "evidence_missing"
    body = {"validated_value": value, "caisse_stance": stance}
    return _order(desk, cpts_id, year, f"dialogue/lines/{indicator}", body, **more)


def _settle(desk: Desk, cpts_id: str, year: date, cents: int) -> Draft:
    return _order(desk, cpts_id, year, "settlement", {"variable_cents": cents})


def _opened(desk: Desk, cpts_id: str, talk: Talk) -> Iterator[Draft]:
    """The line on demands as it was agreed on in the end, the dialogue, its values."""
    if talk.demands is not None:
        euros, target = talk.demands
        line = {"mission": "acces_aux_soins", "mode": "linear", "max_cents": euros * 100}
        what = f"lines/{DEMANDS}"
        yield _order(desk, cpts_id, talk.year, what, line | {"target": target})
    is_late = talk.opened_at != OPENED_AT
    yield _open(desk, cpts_id, talk.year, talk.opened_at.date(), barrier=is_late)
    for indicator, value in talk.values.items():
        yield say(desk, cpts_id, talk.year, indicator, value)


def _settled(desk: Desk, cpts_id: str, talk: Talk) -> Iterator[Draft]:
    """The settlement, once before a value is there and once with another sum; then a second one."""
    if talk.agreed_cents is None or talk.is_batch:
        return
    last, agreed = list(talk.values)[-1], talk.agreed_cents
    first = say(desk, cpts_id, talk.year, last, None)
    # What was validated in indicators must be heard of by then.
    yield msgspec.structs.replace(first, is_after_timers=bool(talk.levels))
    yield _settle(desk, cpts_id, talk.year, agreed)
    yield say(desk, cpts_id, talk.year, last, talk.values[last])
    yield _settle(desk, cpts_id, talk.year, agreed + 1)
    yield _settle(desk, cpts_id, talk.year, agreed)
    yield _settle(desk, cpts_id, talk.year, agreed)


def _settled_at_once(talks: Mapping[str, Talk]) -> Iterator[Draft]:
    """Many years by one order, in which each that cannot be settled stands alone: at first another
    sum for one, and a year without its dialogue; then all of them.
    """
    desk = Desk(SETTLED_AT_ONCE_AT, "settled-at-once")
    right = [
        {"cpts_id": id_, "starts_on": talk.year.isoformat(), "variable_cents": talk.agreed_cents}
        for id_, talk in talks.items()
    ]
    no_dialogue = {"cpts_id": "95-haut-val", "starts_on": "2025-04-01", "variable_cents": 0}
    wrong = [{**right[0], "variable_cents": 1}, *right[1:], no_dialogue]
    for n, years in enumerate((wrong, right)):
        yield desk.payments(
            "POST", "/settlements", {"years": years}, barrier=True, is_after_timers=n == 0
        )


def _refused_before(desk: Desk) -> Iterator[Draft]:
    """A year that is not over, one that nobody has, a day to come, no dialogue yet."""
    today, running = OPENED_AT.date(), date(2025, 4, 1)
    yield _open(desk, "95-haut-val", running, today, barrier=True)
    yield _open(desk, "95-haut-val", running + timedelta(days=1), today)
    yield say(desk, "95-haut-val", running, DOCTORS, 5)
    yield _settle(desk, "95-haut-val", running, 5_000_00)
    over = TALKS["95-plaine-vallee"].year
    yield _open(desk, "95-plaine-vallee", over, today + timedelta(days=1))


def _refused_after(desk: Desk, cpts_id: str) -> Iterator[Draft]:
    """Once a year is settled its lines stay, and each keeps a value."""
    year = TALKS[cpts_id].year
    line = {"mission": "acces_aux_soins", "mode": "linear", "max_cents": 1_000_00, "target": 9}
    yield _order(desk, cpts_id, year, f"lines/{DEMANDS}", line)
    yield say(desk, cpts_id, year, DOCTORS, None)
    yield say(desk, cpts_id, year, PRESENT, 5)


def _late_fact(cpts: Cpts) -> Iterator[Draft]:
    """A participation of the settled year that never was: the figure falls, the euros stay."""
    wrong = cpts.participations[1]
    path = f"/cpts/{cpts.cpts_id}/participations/{wrong.participation_id}"
    body = {"from_on": wrong.from_on.isoformat(), "is_withdrawn": True}
    desk = Desk(CORRECTED_AT - timedelta(days=2), "late-fact")
    yield desk.membership("PUT", path, body)
