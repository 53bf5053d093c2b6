"""Where a CPTS stands on a day, and the counts that add up."""

from datetime import date, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.membership.domain.stages import (
    Count,
    Covered,
    Period,
    Stage,
    Steps,
    add,
    count,
    stage_on,
)

BEGUN = date(2024, 1, 1)
LIFE = Steps(
    cpts_id="a",
    departement="95",
    emerged_on=BEGUN,
    lettre_validated_on=date(2024, 6, 1),
    projet_validated_on=date(2025, 1, 1),
    contracts=(
        Period(from_on=date(2025, 3, 1), to_on=date(2030, 3, 31)),
        Period(from_on=date(2031, 1, 1), to_on=date(2032, 1, 1)),
    ),
    merged_on=date(2031, 7, 1),
)


@pytest.mark.parametrize(
    ("day", "stage"),
    [
        (date(2023, 12, 31), None),
        (BEGUN, Stage.EMERGENCE),
        (date(2024, 5, 31), Stage.EMERGENCE),
        (date(2024, 6, 1), Stage.LETTRE_INTENTION),
        (date(2024, 12, 31), Stage.LETTRE_INTENTION),
        (date(2025, 1, 1), Stage.PROJET_DE_SANTE),
        (date(2025, 3, 1), Stage.ACI),
        (date(2030, 3, 31), Stage.ACI),
        (date(2030, 4, 1), Stage.PROJET_DE_SANTE),
        (date(2031, 6, 30), Stage.ACI),
        (date(2031, 7, 1), Stage.MERGED),
    ],
)
def test_a_cpts_goes_through_its_stages(day: date, stage: Stage | None) -> None:
    assert stage_on(LIFE, day) == stage


DEPARTEMENTS = st.sampled_from(["95", "15", "974"])
DATES = st.dates(BEGUN, BEGUN + timedelta(days=30))


@st.composite
def lives(draw) -> tuple[list[Steps], list[Covered]]:
    steps, covered = [], []
    for number in range(draw(st.integers(0, 6))):
        contracts: tuple[Period, ...] = ()
        if draw(st.booleans()):
            from_on = draw(DATES)
            contracts = (Period(from_on=from_on, to_on=from_on + timedelta(days=5)),)
        one = Steps(
            cpts_id=f"c{number}",
            departement=draw(DEPARTEMENTS),
            emerged_on=draw(DATES),
            contracts=contracts,
            merged_on=draw(st.none() | DATES),
        )
        steps.append(one)
        covered.append(
            Covered(
                departement=draw(DEPARTEMENTS),
                cpts_id=one.cpts_id,
                communes=frozenset({f"commune-{number}"}),
                inhabitants=100,
            )
        )
    return steps, covered


@given(lives(), DATES)
def test_the_counts_of_the_parts_add_up_to_the_whole(told, day) -> None:
    steps, covered = told
    counts = count(steps, covered, {"95": 1000, "15": 1000, "974": 1000}, day)
    france = add(counts.values())
    stages = [stage_on(one, day) for one in steps]
    assert france.cpts == {stage: stages.count(stage) for stage in Stage}
    assert france.contracts == stages.count(Stage.ACI)
    standing = [one for one in stages if one not in (None, Stage.MERGED)]
    assert france.inhabitants == 100 * len(standing)
    assert france.inhabitants_under_contract == 100 * france.contracts
    assert france.communes == len(standing)
    assert france.population == 3000
    assert france.share_basis_points == 10_000 * france.inhabitants // 3000


def test_where_nobody_lives_there_is_no_share() -> None:
    (here,) = count([LIFE], [], {}, BEGUN).values()
    assert (here.population, here.share_basis_points) == (0, None)


def test_a_commune_that_two_cpts_share_is_one_commune() -> None:
    other = Steps(cpts_id="b", departement="95", emerged_on=BEGUN)
    parts = [
        Covered(departement="95", cpts_id=cpts_id, communes=frozenset({"95252"}), inhabitants=50)
        for cpts_id in ("a", "b")
    ]
    here = count([LIFE, other], parts, {"95": 400}, BEGUN)["95"]
    assert (here.communes, here.inhabitants, here.share_basis_points) == (1, 100, 2500)
    signed = count([LIFE, other], parts, {"95": 400}, date(2025, 3, 1))["95"]
    assert (signed.communes_under_contract, signed.inhabitants_under_contract) == (1, 50)
    assert signed.share_under_contract_basis_points == 1250


def test_what_stands_nowhere_covers_nothing_and_each_count_is_of_its_own_place() -> None:
    new = Steps(cpts_id="new", departement="15", emerged_on=date(2026, 1, 1))
    gone = Steps(cpts_id="gone", departement="15", emerged_on=BEGUN, merged_on=BEGUN)
    pieces = [
        Covered(departement=where, cpts_id=cpts_id, communes=frozenset({where}), inhabitants=7)
        for where, cpts_id in (("95", "new"), ("95", "gone"), ("95", "unknown"), ("15", "a"))
    ]
    counts = count([new, gone, LIFE], pieces, {"95": 700, "2A": 70}, date(2025, 3, 1))
    nobody = dict.fromkeys(Stage, 0)
    assert counts == {
        "15": Count(
            cpts=nobody | {Stage.MERGED: 1},
            contracts=0,
            communes=1,
            inhabitants=7,
            communes_under_contract=1,
            inhabitants_under_contract=7,
            population=0,
            share_basis_points=None,
            share_under_contract_basis_points=None,
        ),
        "2A": empty(70, nobody),
        "95": msgspec.structs.replace(empty(700, nobody | {Stage.ACI: 1}), contracts=1),
    }
    whole = add(counts.values())
    assert whole.cpts == nobody | {Stage.MERGED: 1, Stage.ACI: 1}
    assert (whole.communes_under_contract, whole.inhabitants_under_contract) == (1, 7)
    assert (whole.contracts, whole.population) == (1, 770)
    assert whole.share_under_contract_basis_points == 90


def empty(population: int, cpts: dict[Stage, int]) -> Count:
    return Count(
        cpts=cpts,
        contracts=0,
        communes=0,
        inhabitants=0,
        communes_under_contract=0,
        inhabitants_under_contract=0,
        population=population,
        share_basis_points=0,
        share_under_contract_basis_points=0,
    )
