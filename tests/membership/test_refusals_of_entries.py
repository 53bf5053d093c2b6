"""Each refusal of a member, a structure or a place as its reader meets it, and what is recorded."""

from collections.abc import Callable
from datetime import date
from typing import Any

import msgspec
import pytest

from contracts.communes import resolve
from contracts.events.membership import MemberRecorded, ParticipationRecorded
from services.membership.domain import Correction
from services.membership.domain.professionals import (
    correct_member,
    correct_participation,
    record_members,
    record_participation,
)
from services.membership.domain.refusals import Refusal
from services.membership.domain.structures import check_professional, check_structure, check_tool
from services.membership.domain.territory import correct_place, record_places
from tests.membership import test_holding_places as places
from tests.membership.ordering import A_CPTS
from tests.membership.telling import DAY, GONE, Told, ended, told
from tests.membership.test_professionals_of_cpts import (
    DOCTOR,
    WRONG,
    asked,
    correction,
    member,
    participation,
)
from tests.membership.test_structures import AGENDA, professional, structure

FREE_DOCTOR, FREE_PLACE = "doctor 2026-01-01..", "95127 2026-01-01.."
EMERGED_ON = date(2026, 2, 1)
NOT_YET = "La CPTS est née le 2026-02-01 : seules la caisse ou l'ARS disent un jour antérieur."
PERIOD = "period_ends_before_it_starts"
BACKWARDS = "La période finit le 2025-12-31, avant de commencer le 2026-01-01."
WRONG_RPPS = (
    f"La clé du numéro RPPS {WRONG} est fausse. Si le numéro est le bon, l'ordre peut le dire "
    "(is_check_digit_overridden)."
)
NO_PROFESSION = "Aucune profession de santé n'a le code 1O (nomenclature TRE_G15-ProfessionSante)."
KINDS = (
    "esp, ess, msp, cds, etablissement_de_sante, esms, structure_sociale, "
    "collectivite_territoriale, association_de_patients"
)
TOOLS = (
    "shared_agenda, professional_network, secure_messaging, coordination, teleconsultation, other"
)
NO_COMMUNE = "Aucune commune n'a ni n'a eu le code 99999."
SAME_MEMBER = "Le membre {} existe déjà avec un autre contenu."
VAL = {"cpts_id": "a", "cpts_name": "CPTS du Val"}
BORDS = {"cpts_id": "b", "cpts_name": "CPTS des Bords"}
OWN_PLACE = places.held("a", "95127 2026-01-02..", "own").entry


def record(*what: str, cpts_of=A_CPTS, present=(), **rules: Any) -> object:
    orders = [asked(one) for one in what]
    return record_members(cpts_of, orders, **({"known": {}} | rules), present=present)


def correct(who: MemberRecorded, to: Correction, *, cpts_of=A_CPTS, **rules: Any) -> object:
    return correct_member(cpts_of, who, to, **({"present": []} | rules))


def participate(*said: Any, cpts_of=A_CPTS, first_event=None, **fields: Any) -> object:
    return record_participation(cpts_of, participation(*said, **fields), first_event=first_event)


def work(fields: dict[str, Any], *, cpts_of=A_CPTS, others=(), **rules: Any) -> Refusal | None:
    return check_professional(
        cpts_of,
        professional(**fields),
        is_check_digit_overridden=False,
        others=others,
        **rules,
    )


def hold(what: str, *held: Any, cpts_of=None, **rules: Any) -> object:
    asking = cpts_of or places.cpts("a")
    return record_places(asking, [places.asked(what)], held=held, **({"known": {}} | rules))


def move(to: Correction, *, cpts_of=None, place: str = "95127", **rules: Any) -> object:
    """What CPTS a is told that corrects its entry, which begins on 2 January."""
    return correct_place(
        cpts_of or places.cpts("a"),
        msgspec.structs.replace(OWN_PLACE, commune=place),
        to,
        place=resolve(place),
        **({"held": []} | rules),
    )


OF_MEMBERS: list[Told] = [
    *(
        told(order, "already_exists", SAME_MEMBER.format("new"), member_id="new")
        for order in (
            lambda: record(FREE_DOCTOR, known={"new": member("other 2026-01-01..", "new")}),
            lambda: record(FREE_DOCTOR, of_structures={"new"}),
            lambda: record(FREE_DOCTOR, FREE_DOCTOR, "other 2026-01-01.."),
        )
    ),
    told(
        lambda: record("doctor 2026-01-01.. mistyped"),
        "unknown_profession",
        NO_PROFESSION,
        member_id="new",
    ),
    told(lambda: record("doctor 2026-01-01..2025-12-31"), PERIOD, BACKWARDS, member_id="new"),
    told(
        lambda: record(FREE_DOCTOR, earliest=EMERGED_ON),
        "before_it_emerged",
        NOT_YET,
        emerged_on="2026-02-01",
        member_id="new",
    ),
    told(lambda: record("wrong 2026-01-01.."), "wrong_check_digit", WRONG_RPPS, member_id="new"),
    told(
        lambda: record(FREE_DOCTOR, present=[member(FREE_DOCTOR, "old")]),
        "member_overlap",
        f"Le professionnel {DOCTOR} est déjà membre à cette période (entrée old).",
        overlaps="old",
        member_id="new",
    ),
    told(
        lambda: correct(
            msgspec.structs.replace(member(FREE_DOCTOR, "s:p"), structure_id="s"),
            correction("2026-02-01"),
        ),
        "belongs_through_structure",
        "Ce membre l'est par la structure s : c'est là que ses dates se corrigent.",
        structure_id="s",
    ),
    told(
        lambda: correct(
            member("doctor 2026-02-15..", "m"), correction("2026-01-31"), earliest=EMERGED_ON
        ),
        "before_it_emerged",
        NOT_YET,
        emerged_on="2026-02-01",
        member_id="m",
    ),
    told(
        lambda: participate("cpts", first_event=participate("msp")),
        "already_exists",
        "La participation p existe déjà avec un autre contenu.",
    ),
    told(
        lambda: participate("elsewhere"),
        "unknown_way",
        "Manière de participer inconnue : elsewhere. Connues : own_office, cpts, msp, sos.",
    ),
    told(lambda: participate("cpts", "2026-01-01", "2025-12-31"), PERIOD, BACKWARDS),
    told(lambda: participate("cpts", is_overridden=False), "wrong_check_digit", WRONG_RPPS),
]
OF_STRUCTURES: list[Told] = [
    told(
        lambda: check_structure(A_CPTS, structure(structure_id="b~s")),
        "unknown_structure",
        "La structure b~s n'existe pas.",
    ),
    told(
        lambda: check_structure(A_CPTS, structure(kind="club")),
        "unknown_kind",
        f"Nature inconnue : club. Connues : {KINDS}.",
    ),
    told(
        lambda: check_structure(A_CPTS, structure(siret=None)),
        "number_needed",
        "Cette structure se déclare avec son FINESS, son SIRET ou son numéro RNA.",
    ),
    told(
        lambda: check_tool(A_CPTS, msgspec.structs.replace(AGENDA, kind="fax")),
        "unknown_kind",
        f"Nature inconnue : fax. Connues : {TOOLS}.",
    ),
    *(
        told(order, "before_it_emerged", NOT_YET, emerged_on="2026-02-01")
        for order in (
            lambda: check_structure(A_CPTS, structure(), earliest=EMERGED_ON),
            lambda: work({}, earliest=EMERGED_ON),
            # what is recorded already may stay, and nothing before it comes in
            lambda: check_structure(
                A_CPTS,
                structure(),
                present=structure(from_on=date(2026, 2, 2)),
                earliest=EMERGED_ON,
            ),
            lambda: work({}, present=professional(from_on=date(2026, 2, 2)), earliest=EMERGED_ON),
        )
    ),
    *(
        told(order, "already_exists", SAME_MEMBER.format("s:p"))
        for order in (
            lambda: work({}, known=member(FREE_DOCTOR, "s:p")),
            lambda: work({}, present=professional(rpps=WRONG)),
            lambda: work({"is_withdrawn": True}, present=professional(rpps=WRONG)),
        )
    ),
]
OF_PLACES: list[Told] = [
    told(lambda: hold("99999 2026-01-01.."), "unknown_commune", NO_COMMUNE, entry_id="new"),
    told(
        lambda: hold(
            FREE_PLACE, known={"new": places.held("a", "95500 2026-01-01..", "new").entry}
        ),
        "already_exists",
        "L'entrée de territoire new existe déjà avec un autre contenu.",
        entry_id="new",
    ),
    told(
        lambda: hold(FREE_PLACE, earliest=EMERGED_ON),
        "before_it_emerged",
        NOT_YET,
        emerged_on="2026-02-01",
        entry_id="new",
    ),
    told(
        lambda: hold("06088/est 2026-01-01.."),
        "population_needed",
        "Une partie de commune se déclare avec sa population.",
        entry_id="new",
    ),
    told(
        lambda: hold("95127:7 2026-01-01.."),
        "population_not_allowed",
        "La population d'une commune entière est celle de l'INSEE : elle ne se déclare pas.",
        entry_id="new",
    ),
    told(
        lambda: hold("75101 2026-01-01..", places.held("a", "75056 2026-01-01..", "old")),
        "city_and_arrondissement",
        "Le territoire de CPTS du Val prend la ville ou ses arrondissements, jamais les deux le "
        "même jour.",
        entry_id="new",
    ),
    told(
        lambda: hold(FREE_PLACE, places.held("b", FREE_PLACE, "old")),
        "place_taken",
        "Cergy, demandé par CPTS du Val, est déjà tenu à cette période par CPTS des Bords.",
        held_by=[BORDS],
        asked_by=VAL,
        entry_id="new",
    ),
    told(
        lambda: hold("06088/est:9 2026-01-01..", places.held("b", "06088 2026-01-01..", "old")),
        "place_taken",
        "Nice (est), demandé par CPTS du Val, est déjà tenu à cette période par CPTS des Bords.",
        held_by=[BORDS],
        asked_by=VAL,
        entry_id="new",
    ),
    told(
        lambda: hold(
            "06088 2026-01-01..",
            places.held("b", "06088/est:9 2026-01-01..", "one"),
            places.held("a", "06088/ouest:9 2026-01-01..", "two"),
        ),
        "place_taken",
        "Nice, demandé par CPTS du Val, est déjà tenu à cette période par CPTS du Val, CPTS des "
        "Bords.",
        held_by=[VAL, BORDS],
        asked_by=VAL,
        entry_id="new",
    ),
    told(
        lambda: hold(
            "06088/ouest:57738 2026-01-01..",
            places.held("b", "06088/est:300000 2026-07-01..", "old"),
        ),
        "parts_exceed_commune",
        "Le 2026-07-01, les parties de Nice déclareraient 357738 habitants ; la commune en compte "
        "357737.",
        declared=357738,
        population=357737,
        entry_id="new",
    ),
    told(lambda: move(correction("2026-02-01"), place="99999"), "unknown_commune", NO_COMMUNE),
    told(lambda: move(correction("2026-01-01", "2025-12-31")), PERIOD, BACKWARDS, entry_id="own"),
    told(
        lambda: move(correction("2026-01-01"), earliest=EMERGED_ON),
        "before_it_emerged",
        "La CPTS est née le 2026-01-02 : seules la caisse ou l'ARS disent un jour antérieur.",
        emerged_on="2026-01-02",
        entry_id="own",
    ),
    told(
        lambda: move(correction("2026-01-01"), held=[places.held("b", FREE_PLACE, "old")]),
        "place_taken",
        "Cergy, demandé par CPTS du Val, est déjà tenu à cette période par CPTS des Bords.",
        held_by=[BORDS],
        asked_by=VAL,
        entry_id="own",
    ),
]


@pytest.mark.parametrize(("order", "refusal"), [*OF_MEMBERS, *OF_STRUCTURES, *OF_PLACES])
def test_a_refusal_says_why_in_words_and_names_what_it_is_about(
    order: Callable[[], object], refusal: Refusal
) -> None:
    assert order() == refusal


def to(to_on: date | None) -> Correction:
    return Correction(from_on=DAY, to_on=to_on)


@pytest.mark.parametrize(
    ("order", "names"),
    [
        (lambda on: record(f"doctor 2026-01-01..{on or ''}", cpts_of=GONE), {"member_id": "new"}),
        (
            lambda on: correct(member("doctor 2026-01-02..", "m"), to(on), cpts_of=GONE),
            {"member_id": "m"},
        ),
        (lambda on: participate("cpts", "2026-01-01", on and str(on), cpts_of=GONE), {}),
        (lambda on: check_structure(GONE, structure(to_on=on)), {}),
        (lambda on: work({"to_on": on}, cpts_of=GONE), {}),
        (lambda on: check_tool(GONE, msgspec.structs.replace(AGENDA, to_on=on)), {}),
        (lambda on: hold(f"95127 2026-01-01..{on or ''}", cpts_of=GONE), {"entry_id": "new"}),
        (lambda on: move(to(on), cpts_of=GONE), {"entry_id": "own"}),
    ],
)
def test_nothing_runs_on_in_a_cpts_from_the_day_it_has_merged(order, names) -> None:
    for to_on in (None, date(2026, 7, 1)):
        assert order(to_on) == ended(**names)
    assert not isinstance(order(date(2026, 6, 30)), Refusal)


def test_what_was_recorded_by_mistake_is_withdrawn_after_the_merger_too() -> None:
    withdrawal = Correction(from_on=DAY, is_withdrawn=True)
    assert isinstance(correct(member(FREE_DOCTOR, "m"), withdrawal, cpts_of=GONE), MemberRecorded)
    assert move(withdrawal, cpts_of=GONE) == msgspec.structs.replace(
        OWN_PLACE, from_on=DAY, is_withdrawn=True
    )
    assert check_structure(GONE, structure(is_withdrawn=True)) is None
    assert check_tool(GONE, msgspec.structs.replace(AGENDA, is_withdrawn=True)) is None


def test_what_is_recorded_is_what_was_asked() -> None:
    assert record("doctor 2026-01-01..2026-06-30") == [
        MemberRecorded(
            cpts_id="a",
            member_id="new",
            rpps=DOCTOR,
            profession="10",
            from_on=DAY,
            to_on=date(2026, 6, 30),
        )
    ]
    taken = participate("msp", "2026-01-01", "2026-06-30")
    assert taken == ParticipationRecorded(
        cpts_id="a",
        participation_id="p",
        rpps=WRONG,
        way="msp",
        from_on=DAY,
        to_on=date(2026, 6, 30),
    )
    assert isinstance(taken, ParticipationRecorded)
    withdrawal = correction("2026-01-01", "2026-06-30", is_withdrawn=True)
    assert correct_participation(taken, withdrawal) == msgspec.structs.replace(
        taken, is_withdrawn=True
    )
    part = "06088/est:9 2026-01-01..2026-06-30"
    assert hold(part) == [places.held("a", part, "new").entry]


def test_an_entry_that_is_there_already_does_not_stop_the_batch() -> None:
    known = member(FREE_DOCTOR, "old")
    batch = [
        msgspec.structs.replace(asked(FREE_DOCTOR), member_id="old"),
        asked("other 2026-01-01.."),
    ]
    taken = record_members(A_CPTS, batch, known={"old": known}, present=[known])
    assert [one.member_id for one in taken] == ["new"]
    through = msgspec.structs.replace(known, structure_id="s")
    assert len(record(FREE_DOCTOR, present=[through])) == 1  # type: ignore[arg-type]
    here = places.held("a", FREE_PLACE, "old")
    both = [places.asked(FREE_PLACE, "old"), places.asked("95500 2026-01-01..")]
    held = record_places(places.cpts("a"), both, known={"old": here.entry}, held=[here])
    assert [one.entry_id for one in held] == ["new"]
