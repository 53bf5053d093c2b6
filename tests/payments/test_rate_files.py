"""The scale in its files: the amounts, each with its text, and that none is ever edited.

Method: every amount stands here once more, with its status and the published totals that they add
up to. Then the files of this tree against those of the commit that it must stay compatible with
(see `tests/contracts/compatibility.py`); each kind of edit, made on purpose, is seen.
"""

import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from services.payments.domain.scale import FUNDINGS, PARTS, check_rate
from services.payments.store.rate_files import RATES_DIRECTORY, read_rates
from tests.contracts.compatibility import base_commit
from tests.edited import edits, files_at

Rates = dict[str, dict[str, Any]]

# Euros a year for the four tailles, each with how sure it is: c(onfirmed), t(wo contracts),
# s(ingle source), d(erived), h(ypothesis). A dash: not found, so no file holds it.
ACI_2019 = """
    acces_aux_soins              total_avec_snp    75000 s   92000 s  120000 d  150000 d
    acces_aux_soins              total             40000 d       -         -     80000 s
    acces_aux_soins              snp               35000 d       -         -     70000 d
    parcours_pluriprofessionnel  fixe              25000 h   35000 h   45000 t   50000 h
    parcours_pluriprofessionnel  variable          25000 h   35000 h   45000 t   50000 h
    prevention                   fixe              10000 h   15000 h   17500 t   20000 h
    prevention                   variable          10000 h   15000 h   17500 t   20000 h
    qualite_et_pertinence        fixe               7500 h   10000 h   15000 t   20000 h
    qualite_et_pertinence        variable           7500 h   10000 h   15000 t   20000 h
    accompagnement               fixe               5000 h    7500 h   10000 t   15000 h
    accompagnement               variable           5000 h    7500 h   10000 t   15000 h
"""
SINCE_2019 = """
    fonctionnement               fonctionnement    50000 c   60000 c   75000 c   90000 c
"""
AVENANT_2 = """
    fonctionnement               complement_75     37500 c   45000 c   56250 c   67500 c
    fonctionnement               lettre_intention  15000 c   17500 c   25000 c   30000 c
    acces_aux_soins              fixe              55000 h   70000 h   90000 t  110000 h
    acces_aux_soins              variable          25000 h   30000 h   35000 t   45000 h
    parcours_pluriprofessionnel  fixe              25000 h   35000 h   45000 t   50000 h
    parcours_pluriprofessionnel  variable          25000 h   35000 h   45000 t   50000 h
    prevention                   fixe              10000 h   15000 h   17500 t   20000 h
    prevention                   variable          10000 h   15000 h   17500 t   20000 h
    qualite_et_pertinence        fixe               7500 h   10000 h   15000 t   20000 h
    qualite_et_pertinence        variable           7500 h   10000 h   15000 t   20000 h
    accompagnement               fixe               5000 h    7500 h   10000 t   15000 h
    accompagnement               variable           5000 h    7500 h   10000 t   15000 h
"""
AVENANT_2_CRISES = """
    crise_sanitaire              fixe_plan         25000 c   35000 h   45000 d   50000 c
    crise_sanitaire              fixe_mise_a_jour  12500 d   17500 h   22500 t   25000 d
    crise_sanitaire              crise_reconnue    37500 s   52500 h   67500 t   75000 s
"""
STATUSES = ("confirmed", "two_contracts", "single_source", "derived", "hypothesis")
Amounts = dict[tuple[str, str], tuple[tuple[int, str] | None, ...]]


def read(table: str) -> Amounts:
    """The lines of a table: euros and status for each taille."""
    found: Amounts = {}
    for line in table.split("\n"):
        if not line.strip():
            continue
        mission, part, *rest = line.replace("-", "- -").split()
        pairs = zip(rest[::2], rest[1::2], strict=True)
        found[mission, part] = tuple(
            None if euros == "-" else (int(euros), {one[0]: one for one in STATUSES}[status])
            for euros, status in pairs
        )
    return found


PERIODS = (
    (date(2019, 6, 20), date(2022, 3, 31), read(ACI_2019)),
    (date(2019, 6, 20), None, read(SINCE_2019)),
    (date(2022, 4, 1), None, read(AVENANT_2)),
    (date(2022, 9, 3), None, read(AVENANT_2_CRISES)),
)
ONCE, START = ("fonctionnement", "complement_75"), ("fonctionnement", "lettre_intention")
UPDATE, PLAN = ("crise_sanitaire", "fixe_mise_a_jour"), ("crise_sanitaire", "fixe_plan")
CRISIS = ("crise_sanitaire", "crise_reconnue")
SHOWN_ONLY = {("acces_aux_soins", "total"), ("acces_aux_soins", "snp")}


def test_the_files_hold_every_amount_of_the_scale_with_its_status_and_no_other() -> None:
    rates = read_rates()
    found = {
        (one.from_on, one.to_on, one.mission, one.part, one.taille): (one.amount_cents, one.status)
        for one in rates
    }
    assert found == {
        (from_on, to_on, mission, part, taille): (amount[0] * 100, amount[1])
        for from_on, to_on, amounts in PERIODS
        for (mission, part), of_tailles in amounts.items()
        for taille, amount in enumerate(of_tailles, start=1)
        if amount is not None
    }
    assert {check_rate(one) for one in rates} == {None}
    assert {one.mission for one in rates} == FUNDINGS.keys()
    assert {one.part for one in rates} == PARTS.keys()
    assert all(one.unit for one in rates)
    assert not any(one.is_verified for one in rates), "no primary text was read in full"


@pytest.mark.parametrize(
    ("tables", "left_out", "euros"),
    [
        # 2019, the SNP compensation included
        ((SINCE_2019, ACI_2019), SHOWN_ONLY, (220_000, 287_000, 370_000, 450_000)),
        # avenant 2, the year of the plan
        (
            (SINCE_2019, AVENANT_2, AVENANT_2_CRISES),
            {ONCE, START, UPDATE, CRISIS},
            (250_000, 330_000, 420_000, 505_000),
        ),
        # avenant 2, the years after it
        (
            (SINCE_2019, AVENANT_2, AVENANT_2_CRISES),
            {ONCE, START, PLAN, CRISIS},
            (237_500, 312_500, 397_500, 480_000),
        ),
        # avenant 2, the plan and a recognised crisis
        (
            (SINCE_2019, AVENANT_2, AVENANT_2_CRISES),
            {ONCE, START, UPDATE},
            (287_500, 382_500, 487_500, 580_000),
        ),
    ],
)
def test_the_amounts_of_a_year_add_up_to_the_published_totals(
    tables: tuple[str, ...], left_out: set[tuple[str, str]], euros: tuple[int, ...]
) -> None:
    counted = [
        [amount[0] if amount else 0 for amount in amounts]
        for table in tables
        for key, amounts in read(table).items()
        if key not in left_out
    ]
    assert tuple(sum(column) for column in zip(*counted, strict=True)) == euros


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        ('part = "fonctionnement"', 'part = "autre"', "unknown_part"),
        ("/complement_75/T2", "/complement_75/T1", "two entries have the same rate_id"),
        ("taille = 2", "taille = 1", "two entries have the same day, taille, mission and part"),
    ],
)
def test_a_file_that_could_be_read_in_two_ways_is_refused(
    tmp_path: Path, before: str, after: str, why: str
) -> None:
    text = (RATES_DIRECTORY / "fonctionnement.toml").read_text("utf-8")
    (tmp_path / "a.toml").write_text(text.replace(before, after), "utf-8")
    with pytest.raises(ValueError, match=why):
        read_rates(tmp_path)


def rates_of(texts: list[str]) -> Rates:
    return {rate["rate_id"]: rate for text in texts for rate in tomllib.loads(text)["rate"]}


def here() -> Rates:
    return rates_of([path.read_text("utf-8") for path in sorted(RATES_DIRECTORY.glob("*.toml"))])


def at(commit: str) -> Rates:
    return rates_of(files_at(commit, RATES_DIRECTORY))


def test_no_amount_of_the_base_was_edited() -> None:
    base = base_commit()
    if base is None:
        pytest.skip("this clone holds no older commit to compare with")
    old = at(base)
    if not old:
        pytest.skip(f"the base {base[:10]} has no rates yet")
    assert edits(old, here()) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [("amount_cents", 1), ("text", "JO du 31 mars 2022"), ("verified", True), ("to_on", "2030")],
)
def test_an_edit_is_said(name: str, value: object) -> None:
    old = here()
    first = next(iter(old))
    (said,) = edits(old, old | {first: old[first] | {name: value}})
    assert said.startswith(f"{first}: {name} was ")


def test_a_removed_amount_is_said_and_a_new_one_is_not() -> None:
    old = here()
    first, second, *_ = old
    moved = {rate_id: rate for rate_id, rate in old.items() if rate_id != first}
    assert edits(old, moved | {"new": old[second]}) == [f"{first} was removed"]
