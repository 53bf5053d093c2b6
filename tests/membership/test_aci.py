"""Contract years from anniversary to anniversary, their taille, and why an ACI is refused."""

import itertools
from datetime import date, timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import services.membership
from contracts.events.membership import (
    AciSigned,
    Signature,
    TailleDetermined,
    TerritoryPlaceRecorded,
)
from services.membership.domain import Cpts
from services.membership.domain.contract import (
    AciAsked,
    contract_years,
    correct_aci,
    determine_again,
    sign_aci,
)
from services.membership.domain.parameters import read_parameters
from services.membership.domain.refusals import Reason, Refusal

TOML = (Path(services.membership.__file__).parent / "parameters.toml").read_text("utf-8")
PARAMETERS = read_parameters(TOML)
STARTS_ON = date(2026, 4, 15)
CPTS = Cpts(
    cpts_id="a",
    cpts_name="CPTS du Val",
    seat_commune="95127",
    departement="95",
    finess=None,
    sequence=1,
)


def place(
    population: int | None, from_on: date = date(2020, 1, 1), to_on: date | None = None
) -> TerritoryPlaceRecorded:
    return TerritoryPlaceRecorded(
        cpts_id="a",
        entry_id=f"{population}-{from_on}",
        commune="95127",
        population=population,
        from_on=from_on,
        to_on=to_on,
    )


def asked(starts_on: date = STARTS_ON, years: int = 5, aci_id: str = "aci") -> AciAsked:
    return AciAsked(aci_id=aci_id, signed_on=starts_on, starts_on=starts_on, years=years)


def sign(*territory: TerritoryPlaceRecorded, signed: list[AciSigned] | None = None, **order):
    known = {aci.aci_id: aci for aci in signed or []}
    wanted = asked(**order)
    return sign_aci(
        CPTS,
        wanted,
        first_event=known.get(wanted.aci_id),
        signed=known.values(),
        territory=territory,
        projets=(),
        parameters=PARAMETERS,
    )


@pytest.mark.parametrize(
    ("starts_on", "years"),
    [
        (
            date(2026, 4, 15),
            ["2026-04-15..2027-04-14", "2027-04-15..2028-04-14", "2028-04-15..2029-04-14"],
        ),
        (
            date(2026, 3, 1),
            ["2026-03-01..2027-02-28", "2027-03-01..2028-02-29", "2028-03-01..2029-02-28"],
        ),
        (
            date(2024, 2, 29),
            [
                "2024-02-29..2025-02-27",
                "2025-02-28..2026-02-27",
                "2026-02-28..2027-02-27",
                "2027-02-28..2028-02-28",
                "2028-02-29..2029-02-27",
            ],
        ),
        (date(2026, 1, 1), ["2026-01-01..2026-12-31"]),
    ],
)
def test_contract_years_run_from_anniversary_to_anniversary(
    starts_on: date, years: list[str]
) -> None:
    made = contract_years(starts_on, len(years))
    assert [f"{year.starts_on}..{year.ends_on}" for year in made] == years


@given(st.dates(date(2019, 1, 1), date(2100, 1, 1)), st.integers(1, 10))
def test_contract_years_follow_each_other_without_a_gap(starts_on: date, years: int) -> None:
    made = contract_years(starts_on, years)
    assert made[0].starts_on == starts_on
    for year, following in itertools.pairwise(made):
        assert year.ends_on + timedelta(days=1) == following.starts_on
        assert year.starts_on < year.ends_on


def test_signing_says_the_taille_of_each_year_at_its_start() -> None:
    grows_on = date(2028, 1, 1)
    aci, *tailles = sign(place(39_999), place(1, grows_on), years=3)
    assert isinstance(aci, AciSigned)
    assert [(t.contract_year_starts_on.year, t.taille, t.population) for t in tailles] == [
        (2026, 1, 39_999),
        (2027, 1, 39_999),
        (2028, 2, 40_000),
    ]


def test_a_year_that_begins_without_territory_has_no_inhabitant() -> None:
    _, first, second = sign(place(50_000, to_on=date(2026, 12, 31)), years=2)
    assert (first.taille, first.population) == (2, 50_000)
    assert (second.taille, second.population) == (1, 0)


def test_the_same_aci_again_changes_nothing_and_another_content_is_refused() -> None:
    aci = sign(place(1))[0]
    assert sign(place(1), signed=[aci]) == []
    refused = sign(place(1), signed=[aci], years=4)
    assert isinstance(refused, Refusal)
    assert refused.reason is Reason.ALREADY_EXISTS


@pytest.mark.parametrize(
    ("starts_on", "is_refused"),
    [
        (date(2031, 4, 14), True),
        (date(2031, 4, 15), False),
        (date(2025, 4, 14), False),
        (date(2025, 4, 16), True),
    ],
)
def test_an_aci_that_overlaps_a_signed_one_is_refused(starts_on: date, *, is_refused: bool) -> None:
    aci = sign(place(1))[0]
    result = sign(place(1), signed=[aci], starts_on=starts_on, years=1, aci_id="next")
    assert isinstance(result, Refusal) is is_refused
    if isinstance(result, Refusal):
        assert result.reason is Reason.ACI_IN_FORCE


def test_an_aci_needs_a_territory_on_its_first_day() -> None:
    eve = STARTS_ON - timedelta(days=1)
    withdrawn = msgspec.structs.replace(place(1), is_withdrawn=True)
    for territory in ([], [place(1, to_on=eve)], [withdrawn]):
        result = sign(*territory)
        assert isinstance(result, Refusal)
        assert result.reason is Reason.TERRITORY_EMPTY


def test_an_aci_needs_the_population_of_every_place_of_every_year() -> None:
    result = sign(place(1), place(None, from_on=date(2028, 1, 1)))
    assert isinstance(result, Refusal)
    assert result.reason is Reason.POPULATION_UNKNOWN
    assert result.extension["communes"] == ["95127"]


def again(territory: list[TerritoryPlaceRecorded], today: date) -> list[TailleDetermined]:
    aci, *tailles = sign(place(50_000))
    return determine_again(
        "a",
        signed=[aci],
        determined={taille.contract_year_starts_on: taille for taille in tailles},
        territory=territory,
        today=today,
        parameters=PARAMETERS,
    )


def test_a_changed_territory_changes_only_years_that_have_not_begun() -> None:
    grown = [place(50_000), place(30_000)]
    for today, first in [
        (date(2026, 4, 14), 2026),  # the eve of the first year
        (date(2026, 4, 15), 2027),  # a year that begins today has begun
        (date(2027, 4, 14), 2027),
        (date(2030, 4, 15), None),
    ]:
        years = [taille.contract_year_starts_on.year for taille in again(grown, today)]
        assert years == ([] if first is None else list(range(first, 2031)))


def test_an_unchanged_population_says_nothing_again() -> None:
    assert again([place(50_000)], date(2020, 1, 1)) == []


def test_another_population_in_the_same_taille_is_said_again() -> None:
    assert {taille.taille for taille in again([place(50_001)], STARTS_ON)} == {2}


def test_a_year_whose_population_is_not_known_keeps_its_taille() -> None:
    assert again([place(50_000), place(None)], STARTS_ON) == []


FIRST, *TAILLES = sign(place(50_000))
DETERMINED = {taille.contract_year_starts_on: taille for taille in TAILLES}


def correct(
    *territory: TerritoryPlaceRecorded,
    today: date = STARTS_ON,
    is_withdrawn: bool = False,
    others: tuple[AciSigned, ...] = (),
    cpts_of: Cpts = CPTS,
    **order,
):
    return correct_aci(
        cpts_of,
        asked(**order),
        is_withdrawn=is_withdrawn,
        present=FIRST,
        signed=[FIRST, *others],
        determined=DETERMINED,
        territory=territory or (place(50_000),),
        today=today,
        parameters=PARAMETERS,
    )


def test_an_aci_that_ends_early_is_said_again_with_the_years_it_keeps() -> None:
    (ended,) = correct(years=2)
    assert ended == msgspec.structs.replace(FIRST, contract_years=FIRST.contract_years[:2])
    assert correct() == []


def test_a_withdrawn_aci_has_no_year_and_needs_no_territory() -> None:
    gone = place(50_000, to_on=date(2020, 1, 2))
    (withdrawn,) = correct(gone, is_withdrawn=True)
    assert withdrawn.is_withdrawn
    assert withdrawn.contract_years == ()
    # its days are free for another
    again = sign(place(1), signed=[withdrawn], aci_id="next")
    assert isinstance(again[0], AciSigned)


def test_years_that_come_in_by_a_correction_get_their_taille() -> None:
    later = STARTS_ON + timedelta(days=10)
    aci, *tailles = correct(starts_on=later)
    assert [year.starts_on for year in aci.contract_years] == [
        taille.contract_year_starts_on for taille in tailles
    ]
    assert {taille.taille for taille in tailles} == {2}
    aci, *tailles = correct(years=7)
    assert [taille.contract_year_starts_on.year for taille in tailles] == [2031, 2032]


def test_a_correction_leaves_the_taille_of_a_year_that_has_begun() -> None:
    grown = (place(50_000), place(50_001))
    _, *tailles = correct(*grown, years=3, today=date(2027, 4, 15))
    assert [(one.contract_year_starts_on.year, one.taille) for one in tailles] == [(2028, 3)]


def test_a_correction_is_refused_for_the_first_reason_like_a_signature() -> None:
    other = msgspec.structs.replace(
        FIRST, aci_id="other", contract_years=contract_years(date(2033, 4, 15), 1)
    )
    eve = STARTS_ON - timedelta(days=1)
    for territory, years, answer in [
        ((place(50_000, to_on=eve), place(None)), 8, Reason.ACI_IN_FORCE),
        ((place(50_000, to_on=eve),), 6, Reason.TERRITORY_EMPTY),
        ((place(50_000), place(None)), 6, Reason.POPULATION_UNKNOWN),
        # where the taille is determined the population is not asked for
        ((place(50_000), place(None)), 4, None),
    ]:
        result = correct(*territory, others=(other,), years=years)
        assert (result.reason if isinstance(result, Refusal) else None) == answer


def test_an_aci_is_told_whole_with_the_places_of_each_first_day() -> None:
    signatures = (Signature(party="cpts", signed_on=date(2026, 3, 1)),)
    order = msgspec.structs.replace(
        asked(years=1), signed_on=date(2026, 3, 2), signatures=signatures
    )
    territory = [
        place(10, to_on=STARTS_ON),
        place(20, STARTS_ON),
        place(40, to_on=date(2026, 4, 14)),
    ]
    told = sign_aci(
        CPTS,
        order,
        first_event=None,
        signed=(),
        territory=territory,
        projets=(),
        parameters=PARAMETERS,
    )
    assert told == [
        AciSigned(
            cpts_id="a",
            aci_id="aci",
            signed_on=date(2026, 3, 2),
            contract_years=contract_years(STARTS_ON, 1),
            signatures=signatures,
        ),
        TailleDetermined(cpts_id="a", contract_year_starts_on=STARTS_ON, taille=1, population=30),
    ]


def test_an_aci_of_its_own_and_one_withdrawn_hide_none_that_overlaps() -> None:
    withdrawn = msgspec.structs.replace(FIRST, aci_id="gone", contract_years=(), is_withdrawn=True)
    other = msgspec.structs.replace(
        FIRST, aci_id="other", contract_years=contract_years(date(2031, 4, 15), 1)
    )
    refused = correct(years=6, others=(withdrawn, other))
    assert isinstance(refused, Refusal)
    assert refused.extension == {"aci_id": "other"}


def test_a_year_whose_population_is_not_known_hides_none_that_follows() -> None:
    soon = place(None, from_on=date(2027, 1, 1), to_on=date(2027, 12, 31))
    years = again([place(50_001), soon], date(2026, 4, 15))
    assert [one.contract_year_starts_on.year for one in years] == [2028, 2029, 2030]
    assert again([place(50_000), soon], date(2026, 4, 15)) == []
