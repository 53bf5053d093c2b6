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

DOCTORS, DEMANDS = "sas_medecins_participants", "sas_demandes_avec_rdv"
WITHOUT_DOCTOR, SCREENED = "medecin_traitant_ald_sans", "depistage_sein"
PREVENTION, GROUPS, PRESENT = "prevention_participants", "qualite_reunions", "qualite_participants"
OPENED_AT = datetime(2025, 12, 15, 9, 0, tzinfo=PARIS)
SETTLED_AT = datetime(2025, 12, 18, 9, 0, tzinfo=PARIS)
LATER_OPENED_AT = datetime(2026, 2, 10, 9, 0, tzinfo=PARIS)
LATER_SETTLED_AT = datetime(2026, 3, 2, 9, 0, tzinfo=PARIS)
CORRECTED_AT = datetime(2026, 3, 9, 9, 0, tzinfo=PARIS)


class Talk(msgspec.Struct, frozen=True, kw_only=True):
    """The dialogue of a contract year: a target of the line on demands that is agreed on first, if
    any, the validated values, and the sum that they give; then, one by one, other values.
    """

    year: date
    demands: tuple[int, int] | None = None
    values: Mapping[str, int | None]
    agreed_cents: int | None = None
    corrections: tuple[tuple[str, int], ...] = ()
    is_later: bool = False


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
            SCREENED: 6970,
            PREVENTION: 450,
            GROUPS: 2,
            PRESENT: 7,
        },
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
}


def settlements(cast: Sequence[Cpts]) -> Iterator[Draft]:
    """All of these orders, some of which must be refused; the first wait until all is heard."""
    by_id = {cpts.cpts_id: cpts for cpts in cast}
    talks = [(by_id[cpts_id], talk) for cpts_id, talk in TALKS.items() if cpts_id in by_id]
    yield from _refused_before(Desk(OPENED_AT - timedelta(hours=1), "dialogue-refused"))
    opened = {False: Desk(OPENED_AT, "dialogue"), True: Desk(LATER_OPENED_AT, "dialogue-later")}
    settled = {False: Desk(SETTLED_AT, "settled"), True: Desk(LATER_SETTLED_AT, "settled-later")}
    for cpts, talk in talks:
        yield from _opened(opened[talk.is_later], cpts, talk)
        yield from _settled(settled[talk.is_later], cpts, talk)
    yield from _late_fact(by_id["95-parisis-est"])
    corrected = Desk(CORRECTED_AT, "corrected")
    for cpts, talk in talks:
        for indicator, value in talk.corrections:
            yield _say(corrected, cpts.cpts_id, talk.year, indicator, value)
    yield from _refused_after(corrected, by_id["95-plaine-vallee"])


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


def _say(desk: Desk, cpts_id: str, year: date, indicator: str, value: int | None) -> Draft:
    stance = "agrees" if value is not None else "evidence_missing"
    body = {"validated_value": value, "caisse_stance": stance}
    return _order(desk, cpts_id, year, f"dialogue/lines/{indicator}", body)


def _settle(desk: Desk, cpts_id: str, year: date, cents: int) -> Draft:
    return _order(desk, cpts_id, year, "settlement", {"variable_cents": cents})


def _opened(desk: Desk, cpts: Cpts, talk: Talk) -> Iterator[Draft]:
    """The line on demands as it was agreed on in the end, the dialogue, its values."""
    if talk.demands is not None:
        euros, target = talk.demands
        line = {"mission": "acces_aux_soins", "mode": "linear", "max_cents": euros * 100}
        what = f"lines/{DEMANDS}"
        yield _order(desk, cpts.cpts_id, talk.year, what, line | {"target": target})
    opened_on = (LATER_OPENED_AT if talk.is_later else OPENED_AT).date()
    yield _open(desk, cpts.cpts_id, talk.year, opened_on, barrier=talk.is_later)
    for indicator, value in talk.values.items():
        yield _say(desk, cpts.cpts_id, talk.year, indicator, value)


def _settled(desk: Desk, cpts: Cpts, talk: Talk) -> Iterator[Draft]:
    """The settlement, once before a value is there and once with another sum; then a second one."""
    if talk.agreed_cents is None:
        return
    last = list(talk.values)[-1]
    yield _say(desk, cpts.cpts_id, talk.year, last, None)
    yield _settle(desk, cpts.cpts_id, talk.year, talk.agreed_cents)
    yield _say(desk, cpts.cpts_id, talk.year, last, talk.values[last])
    yield _settle(desk, cpts.cpts_id, talk.year, talk.agreed_cents + 1)
    yield _settle(desk, cpts.cpts_id, talk.year, talk.agreed_cents)
    yield _settle(desk, cpts.cpts_id, talk.year, talk.agreed_cents)


def _refused_before(desk: Desk) -> Iterator[Draft]:
    """A year that is not over, one that nobody has, a day to come, no dialogue yet."""
    today, running = OPENED_AT.date(), date(2025, 4, 1)
    yield _open(desk, "95-haut-val", running, today, barrier=True)
    yield _open(desk, "95-haut-val", running + timedelta(days=1), today)
    yield _say(desk, "95-haut-val", running, DOCTORS, 5)
    yield _settle(desk, "95-haut-val", running, 5_000_00)
    over = TALKS["95-plaine-vallee"].year
    yield _open(desk, "95-plaine-vallee", over, today + timedelta(days=1))


def _refused_after(desk: Desk, cpts: Cpts) -> Iterator[Draft]:
    """Once a year is settled its lines stay, and each keeps a value."""
    year = TALKS[cpts.cpts_id].year
    line = {"mission": "acces_aux_soins", "mode": "linear", "max_cents": 1_000_00, "target": 9}
    yield _order(desk, cpts.cpts_id, year, f"lines/{DEMANDS}", line)
    yield _say(desk, cpts.cpts_id, year, DOCTORS, None)
    yield _say(desk, cpts.cpts_id, year, PRESENT, 5)


def _late_fact(cpts: Cpts) -> Iterator[Draft]:
    """A participation of the settled year that never was: the figure falls, the euros stay."""
    wrong = cpts.participations[1]
    path = f"/cpts/{cpts.cpts_id}/participations/{wrong.participation_id}"
    body = {"from_on": wrong.from_on.isoformat(), "is_withdrawn": True}
    desk = Desk(CORRECTED_AT - timedelta(days=2), "late-fact")
    yield desk.membership("PUT", path, body)
