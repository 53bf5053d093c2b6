"""The scale in its files: the amounts, each with its text, and that none is ever edited.

Method: every amount stands here once more, with the published totals that they add up to. Then the
files of this tree against those of the commit that it must stay compatible with (see
`tests/contracts/compatibility.py`); each kind of edit, made on purpose, is seen.
"""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from services.payments.domain.scale import FUNDINGS, PARTS, check_rate
from services.payments.store.rate_files import RATES_DIRECTORY, read_rates
from tests.contracts.compatibility import base_commit
from tests.edited import edits, files_at

Rates = dict[str, dict[str, Any]]

# Euros a year for the four tailles: ACI of 20 June 2019 (fonctionnement), avenant 2 of 20 December
# 2021 (all else).
SCALE = {
    ("fonctionnement", "fonctionnement"): (50_000, 60_000, 75_000, 90_000),
    ("fonctionnement", "complement_75"): (37_500, 45_000, 56_250, 67_500),
    ("acces_aux_soins", "fixe"): (55_000, 70_000, 90_000, 110_000),
    ("acces_aux_soins", "variable"): (25_000, 30_000, 35_000, 45_000),
    ("parcours_pluriprofessionnel", "fixe"): (25_000, 35_000, 45_000, 50_000),
    ("parcours_pluriprofessionnel", "variable"): (25_000, 35_000, 45_000, 50_000),
    ("prevention", "fixe"): (10_000, 15_000, 17_500, 20_000),
    ("prevention", "variable"): (10_000, 15_000, 17_500, 20_000),
    ("crise_sanitaire", "fixe_plan"): (25_000, 35_000, 45_000, 50_000),
    ("crise_sanitaire", "fixe_mise_a_jour"): (12_500, 17_500, 22_500, 25_000),
    ("crise_sanitaire", "crise_reconnue"): (37_500, 52_500, 67_500, 75_000),
    ("qualite_et_pertinence", "fixe"): (7_500, 10_000, 15_000, 20_000),
    ("qualite_et_pertinence", "variable"): (7_500, 10_000, 15_000, 20_000),
    ("accompagnement", "fixe"): (5_000, 7_500, 10_000, 15_000),
    ("accompagnement", "variable"): (5_000, 7_500, 10_000, 15_000),
}
ONCE = ("fonctionnement", "complement_75")
UPDATE, PLAN = ("crise_sanitaire", "fixe_mise_a_jour"), ("crise_sanitaire", "fixe_plan")
CRISIS = ("crise_sanitaire", "crise_reconnue")


def test_the_files_hold_every_amount_of_the_scale_and_no_other() -> None:
    rates = read_rates()
    found = {(one.mission, one.part, one.taille): one.amount_cents for one in rates}
    assert found == {
        (mission, part, taille): euros * 100
        for (mission, part), amounts in SCALE.items()
        for taille, euros in enumerate(amounts, start=1)
    }
    assert {check_rate(one) for one in rates} == {None}
    assert {one.mission for one in rates} == FUNDINGS.keys()
    assert {one.part for one in rates} == PARTS.keys()
    assert all(one.unit for one in rates)
    assert not any(one.is_verified for one in rates), "no primary text was read in full"


@pytest.mark.parametrize(
    ("left_out", "euros"),
    [
        ({ONCE, UPDATE, CRISIS}, (250_000, 330_000, 420_000, 505_000)),  # the year of the plan
        ({ONCE, PLAN, CRISIS}, (237_500, 312_500, 397_500, 480_000)),  # the years after it
        ({ONCE, UPDATE}, (287_500, 382_500, 487_500, 580_000)),  # the plan and a crisis
    ],
)
def test_the_amounts_of_a_year_add_up_to_the_published_totals(
    left_out: set[tuple[str, str]], euros: tuple[int, ...]
) -> None:
    columns = zip(*(amounts for key, amounts in SCALE.items() if key not in left_out), strict=True)
    assert tuple(sum(column) for column in columns) == euros


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
