"""The oracle's money: the cases that a jurist can check, sums of the season worked out by hand, and
each way in which the services' sums may differ from them.
"""

import copy
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import msgspec
import pytest

from deploy.local.demo.compare_money import (
    account_differences,
    dialogue_differences,
    due_differences,
    line_differences,
)
from deploy.local.demo.oracle import foresee
from deploy.local.demo.oracle_aci import Aci, Mission
from deploy.local.demo.oracle_contracts import Contracts, Cpts
from deploy.local.demo.oracle_dues import Due, Dues, dues_of, owed_accounts
from deploy.local.demo.oracle_figures import DOCTORS, Outlook, outlook
from deploy.local.demo.oracle_levels import Levels
from deploy.local.demo.oracle_line_files import CSV, lines_of, rows_of
from deploy.local.demo.oracle_scale import Scale, rates_of_files, rules_of_file
from deploy.local.demo.oracle_settlement import Dialogues
from deploy.local.demo.settlements import TALKS
from deploy.local.demo.story import Season, season
from tests.payments.written import calendar_of, cases_with, is_lower_better

SAID_AT = datetime(2027, 6, 1, 9, 0, tzinfo=UTC)
SETTLED_ON = SAID_AT.date()
# Rules that no text gives, off as committed: a season has none of them, and the oracle neither.
SWITCHED_ON = {"appliquee_a_partir_du", "prorata_de_la_part_variable_a_partir_du"}


def as_committed(word: str) -> list[Any]:
    """The cases with this word that switch no rule on."""
    return [one for one in cases_with(word) if not SWITCHED_ON & one.values[1].keys()]


def scale_of(case: dict[str, Any]) -> Scale:
    rules = rules_of_file()
    from_on, percent, _ = rules.calendars[0]
    rules = replace(
        rules,
        calendars=tuple((day, percent, by) for day, by in calendar_of(case, from_on)),
        is_fonctionnement_pro_rata=case.get("fonctionnement_a_la_resiliation") == "pro_rata",
    )
    scale = Scale(rules)
    for rate_id in case.get("confirmes", ()):
        (cents,) = (rate.cents for rate in rates_of_files() if rate.rate_id == rate_id)
        body = {"rate_id": rate_id, "amount_cents": cents, "read_on": "2026-01-01"}
        assert scale.confirm(body, SETTLED_ON) == "ok"
    return scale


def dues_of_case(case: dict[str, Any], scale: Scale | None = None) -> Dues:
    acis = [
        Aci(one["signee_le"], one["commence_le"], one["annees"], one.get("resiliee_le"))
        for one in case["aci"]
    ]
    years = sorted((year for aci in acis for year in aci.years), key=lambda year: year.start)
    firsts = [year.start for year in years]
    return dues_of(
        years,
        tailles=case["tailles"] if "tailles" in case else dict.fromkeys(firsts, case["taille"]),
        missions={
            str(number): Mission(one["mission"], one["commence_le"], one.get("finit_le"))
            for number, one in enumerate(case.get("missions", ()))
        },
        crises=[(day, str(number)) for number, day in enumerate(case.get("crises", ()))],
        scale=scale or scale_of(case),
        dialogues={},
    )


@pytest.mark.parametrize(("file", "case"), as_committed("aci"))
def test_the_oracle_gives_the_sums_that_a_case_writes_out(
    file: dict[str, Any], case: dict[str, Any]
) -> None:
    found = {
        (due.due_on, year, name): (due.cents, due.is_held)
        for (year, name), due in dues_of_case(case).items()
        if name.startswith(tuple(file["sommes"])) and due.due_on <= case["jusqu_au"]
    }
    assert found == {
        (one["le"], one["annee"], one["somme"]): (one["centimes"], one.get("retenue", True))
        for one in case["attendu"]
    }


@pytest.mark.parametrize(("_file", "case"), as_committed("lignes"))
def test_the_oracle_settles_and_adjusts_by_the_cents_that_a_case_writes_out(
    _file: dict[str, Any], case: dict[str, Any]
) -> None:
    year = case["annee"]
    contracts = Contracts()
    contracts.cpts["c1"] = Cpts(None, "95", tailles={year: case["taille"]})
    contracts.cpts["c1"].acis["a"] = Aci(year, year, 1)
    lines = {
        str(number): {
            "indicator": one["indicateur"],
            "mission": one["mission"],
            "mode": one["mode"],
            "max_cents": one["maximum"],
            "target": one.get("cible"),
            "baseline": one.get("valeur_initiale"),
            "is_lower_better": is_lower_better(one),
            "steps": [
                {"threshold": threshold, "amount_cents": cents}
                for threshold, cents in one.get("paliers", {}).items()
            ],
        }
        for number, one in enumerate(case["lignes"])
    }
    levels = Levels(contracts, lambda _figure, _end: ())
    dialogues = Dialogues(contracts, Scale(), {("c1", year): lines}, levels)
    assert dialogues.open("c1", year, {"opened_on": "2027-05-01"}, SETTLED_ON) == "ok"

    def say(indicator: str, value: int) -> None:
        body = {"validated_value": value}
        assert dialogues.say("c1", year, indicator, body, SAID_AT) == "ok"

    for indicator, value in case["valeurs"].items():
        say(indicator, value)
    agreed = {"variable_cents": case.get("attendu", 0)}
    outcome = dialogues.settle("c1", year, agreed, SETTLED_ON)
    assert outcome == case.get("refus", "ok")
    adjusted = []
    for correction in case.get("corrections", ()):
        before = dialogues.held["c1", year].due_cents or 0
        say(correction["indicateur"], correction["valeur"])
        adjusted.append((dialogues.held["c1", year].due_cents or 0) - before)
    assert adjusted == [one["ajustement"] for one in case.get("corrections", ())]


@pytest.fixture(scope="module")
def told() -> Season:
    return season(seed=11, departements=3, demands=120)


@pytest.fixture(scope="module")
def outlooked(told: Season) -> Outlook:
    return outlook(foresee(told.orders, told.ends_at))


BY_HAND = [
    # 90 000 × 214/365 = 52 767.12 of an ACI that ended on 30 November; 67 500 was paid ahead.
    ("95-parisis-ouest", "2025-05-01", "acces_aux_soins:fixe:recovery", -14_732_88, "2025-12-01"),
    # Nothing else than what was due at the signature, by the amount read later, although the year
    # was cut.
    ("95-parisis-ouest", "2025-05-01", "fonctionnement:signature", 70_000_00, "2025-04-11"),
    # 10 000 × 273/365 = 7 479.45; 7 500 was paid ahead.
    ("95-trois-forets", "2025-01-01", "prevention:fixe:recovery", -20_55, "2026-01-01"),
    # 55 000 × 306/365 = 46 109.58; 75 % of it is 34 582.18.
    ("95-trois-forets", "2025-01-01", "acces_aux_soins:fixe:advance", 34_582_18, "2025-03-01"),
    ("95-trois-forets", "2025-01-01", "acces_aux_soins:fixe:balance", 11_527_40, "2026-01-01"),
    # Another taille from its second year on, and an amount published for it: 75 % of 11 000.01.
    ("95-trois-forets", "2026-01-01", "fonctionnement:advance", 45_000_00, "2026-01-01"),
    ("95-trois-forets", "2026-01-01", "qualite_et_pertinence:fixe:advance", 8_250_00, "2026-01-01"),
    # The one-off 75 % of 90 000, due when it signed.
    ("95-plaine-vallee", "2022-08-01", "complement_75", 67_500_00, "2022-07-12"),
    # The plan is of a year that began before its amount: 50 000 × 302/365 × 75 %.
    ("95-plaine-vallee", "2022-08-01", "crise_sanitaire:fixe:advance", 31_027_39, "2022-10-03"),
    # Half of it in each year after.
    ("95-plaine-vallee", "2025-09-15", "crise_sanitaire:fixe:advance", 18_750_00, "2025-09-15"),
    # 50 000 × 182/366 of a mission that began again: 24 863.38; 75 % ahead.
    (
        *("95-plaine-vallee", "2023-08-01", "parcours_pluriprofessionnel:fixe:advance:2"),
        *(18_647_53, "2024-02-01"),
    ),
    ("95-parisis-est", "2026-02-01", "adjustment:2", 1_356_53, "2026-03-09"),
    # What the caisse validates in indicators corrects too: ten participants of 800, of 12 000; then
    # the dialogue takes it back.
    ("95-parisis-est", "2026-02-01", "adjustment:3", -150_00, "2026-03-10"),
    ("95-parisis-est", "2026-02-01", "adjustment:4", 150_00, "2026-03-11"),
    # Of one that is a part of another nothing is open: it is due in its last year.
    ("95-vexin", "2025-01-01", "variable", 3_000_00, "2026-03-03"),
    ("95-vexin", "2025-01-01", "adjustment:1", -1_000_00, "2026-03-10"),
    ("95-plaine-vallee", "2025-09-15", "adjustment:1", -1_463_34, "2026-03-09"),
]


@pytest.mark.parametrize(("cpts_id", "year", "name", "cents", "due_on"), BY_HAND)
def test_a_sum_of_the_season_is_what_it_is_by_hand(
    outlooked: Outlook, cpts_id: str, year: str, name: str, cents: int, due_on: str
) -> None:
    due = outlooked.dues[cpts_id][date.fromisoformat(year), name]
    assert (due.cents, due.due_on) == (cents, date.fromisoformat(due_on))


def test_the_season_has_sums_of_every_kind_held_and_not(outlooked: Outlook) -> None:
    dues = [due for sums in outlooked.dues.values() for due in sums.values()]
    assert {due.kind for due in dues} == {
        *("fonctionnement", "fixe", "crise_reconnue", "complement_75"),
        *("variable", "adjustment", "recovery"),
    }
    assert {due.is_held for due in dues} == {True, False}


def test_a_crisis_opens_its_amount_once_a_year_to_who_had_the_mission_then(
    outlooked: Outlook,
) -> None:
    opened = {
        (cpts_id, year.isoformat()): due.due_on.isoformat()
        for cpts_id, sums in outlooked.dues.items()
        for (year, name), due in sums.items()
        if name == "crise_sanitaire:reconnue"
    }
    assert opened == {
        ("95-trois-forets", "2025-01-01"): "2025-07-01",
        # On the day that was told first its mission had not begun.
        ("95-haut-val", "2025-04-01"): "2025-07-01",
        ("95-plaine-vallee", "2022-08-01"): "2022-12-10",
        ("95-plaine-vallee", "2024-09-15"): "2025-07-01",
        ("95-plaine-vallee", "2025-09-15"): "2025-10-20",
        ("95-parisis-ouest", "2025-05-01"): "2025-07-01",
        ("95-parisis-est", "2025-02-01"): "2025-10-20",
        ("15-saint-flour", "2025-03-01"): "2025-10-20",
        ("15-aurillac", "2025-10-01"): "2025-10-20",
        ("974-ouest", "2025-01-01"): "2025-01-28",
    }


def test_no_fact_that_comes_late_moves_a_settled_year(told: Season, outlooked: Outlook) -> None:
    without = [one for one in told.orders if not one.key.startswith("late-fact")]
    assert len(without) == len(told.orders) - 1
    found = outlook(foresee(without, told.ends_at))
    key = ("95-parisis-est", TALKS["95-parisis-est"].year)
    assert len(found.facts[key[0], DOCTORS, key[1]]) == 1 + len(
        outlooked.facts[key[0], DOCTORS, key[1]]
    )
    assert found.cents[key] == outlooked.cents[key] == TALKS["95-parisis-est"].agreed_cents


DUE = Due("fixe", 1_000_00, date(2025, 4, 1), is_held=False)
KEY = (date(2025, 1, 1), "prevention:fixe:advance")
TOLD = {
    "starts_on": "2025-01-01",
    "due_id": "prevention:fixe:advance",
    "kind": "fixe",
    "amount_cents": 1_000_00,
    "due_on": "2025-04-01",
    "is_held": False,
}


def test_a_sum_that_is_as_foreseen_or_no_longer_due_is_no_difference() -> None:
    withdrawn = TOLD | {"due_id": "prevention:fixe:balance", "amount_cents": 0}
    assert list(due_differences("c1", {KEY: DUE}, [TOLD, withdrawn])) == []


@pytest.mark.parametrize(
    "told",
    [
        *([TOLD | {name: wrong}] for name, wrong in (("kind", "recovery"), ("is_held", True))),
        *([TOLD | {name: wrong}] for name, wrong in (("due_on", "2025-04-02"),)),
        *([TOLD | {"amount_cents": cents}] for cents in (0, 1_000_01, -1_000_00)),
        [],
        [TOLD, TOLD | {"due_id": "prevention:fixe:advance:2"}],
        [TOLD, TOLD | {"starts_on": "2026-01-01"}],
    ],
)
def test_a_sum_that_is_another_is_named(told: list[dict[str, Any]]) -> None:
    (found,) = due_differences("c1", {KEY: DUE}, told)
    assert found.what == "échéance"
    assert found.where.startswith("c1/202")


def test_the_ledger_owes_and_holds_what_fell_due_and_nothing_else() -> None:
    held = Due("fixe", 500_00, date(2025, 4, 1), is_held=True)
    foreseen = owed_accounts({"c1": {KEY: DUE, (date(2025, 1, 1), "b"): held}})
    right = {"owed:c1:2025-01-01": -1_000_00, "held:c1:2025-01-01": -500_00, "expense": 7}
    assert list(account_differences(foreseen, right)) == []
    for name, cents in (("owed:c1:2025-01-01", 0), ("held:c1:2026-01-01", 1), ("use:c2:x", 1)):
        (found,) = account_differences(foreseen, right | {name: cents})
        assert (found.what, found.where) == ("grand livre", name)


SAID: dict[str, Any] = {
    "opened_on": "2026-05-01",
    "lines": [{"indicator": "a", "validated_value": 3}],
    "standing": {"a": {"value": 3, "level": "visa", "answer": "agreed"}},
    "settled": {
        "settled_on": "2026-06-01",
        "variable_cents": 100,
        "without_agreement": ["a"],
        "without_visa": [],
    },
    "adjusted": [
        {
            "due_year_starts_on": "2026-04-01",
            "due_id": "adjustment:1",
            "adjusted_on": "2026-07-01",
            "amount_cents": -20,
        }
    ],
    "due_cents": 80,
}
FORESEEN = {
    "opened_on": "2026-05-01",
    "values": {"a": 3},
    "standing": {"a": [3, "visa", "agreed"]},
    "settled": ["2026-06-01", 100, ["a"], []],
    "adjusted": [["2026-04-01", "adjustment:1", "2026-07-01", -20]],
    "due_cents": 80,
}


def test_a_dialogue_that_is_as_foreseen_is_no_difference() -> None:
    assert list(dialogue_differences("c1/2025-04-01", FORESEEN, SAID)) == []


@pytest.mark.parametrize(
    ("name", "path", "wrong"),
    [
        ("opened_on", ("opened_on",), "2026-05-02"),
        ("values", ("lines", 0, "validated_value"), 4),
        ("settled", ("settled", "variable_cents"), 101),
        ("settled", ("settled", "settled_on"), "2026-06-02"),
        ("standing", ("standing", "a", "level"), "validated"),
        ("standing", ("standing", "a", "answer"), "silent"),
        ("settled", ("settled", "without_agreement"), []),
        ("settled", ("settled", "without_visa"), ["a"]),
        ("settled", ("settled",), None),
        ("adjusted", ("adjusted", 0, "amount_cents"), -21),
        ("adjusted", ("adjusted", 0, "due_year_starts_on"), "2025-04-01"),
        ("adjusted", ("adjusted",), []),
        ("due_cents", ("due_cents",), 100),
    ],
)
def test_what_was_settled_otherwise_is_named(
    name: str, path: tuple[str | int, ...], wrong: Any
) -> None:
    told: Any = copy.deepcopy(SAID)
    place = told
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = wrong
    (found,) = dialogue_differences("c1/2025-04-01", FORESEEN, told)
    assert (found.what, found.where) == ("arrêté", f"c1/2025-04-01/{name}")
    assert msgspec.json.encode(found)


HEAD = (
    "ligne;mission;indicateur;libelle;mode;maximum_euros;valeur_initiale;cible;sens;paliers;"
    "documents;reportee_de\n"
)
ROW = "a;prevention;depistage_sein;;paliers;3500;;;;6970:1000|7500:3500,00;;\n"


def test_a_line_of_a_file_that_is_another_is_named() -> None:
    rows = rows_of(CSV, (HEAD + ROW).encode())
    assert isinstance(rows, list)
    foreseen = lines_of(rows, {"prevention": 3_500_00})
    assert foreseen is not None
    assert foreseen["a"]["steps"][0] == {"threshold": 6970, "amount_cents": 1_000_00}
    said = HEAD + ROW.replace(";;;;6970", ";;;hausse;6970")
    assert list(line_differences("c1", foreseen, CSV, said.encode())) == []
    for wrong in (ROW.replace("3500;;", "3500;1;"), ROW.replace("7500", "7501"), ""):
        (found,) = line_differences("c1", foreseen, CSV, (HEAD + wrong).encode())
        assert (found.what, found.where) == ("ligne", "c1/a")
    assert lines_of(rows, {"prevention": 3_499_99}) is None
