"""Which CPTS holds a place, case by case. One CPTS an entry, named by its column."""

from datetime import date

import pytest

from services.referrals.domain.territory import Place, TerritoryEntry, holder_of
from tests.referrals.referral_cases import table

CITY, FIRST, SECOND = "69123", "69381", "69382"
DAY = date(2026, 3, 10)


def entry(place: str, cpts_id: str, **changes: object) -> TerritoryEntry:
    commune, _, part = place.partition("/")
    values: dict[str, object] = {
        "cpts_id": cpts_id,
        "entry_id": f"{cpts_id}-{place}",
        "place_key": CITY if commune in {FIRST, SECOND} else commune,
        "commune": commune,
        "part": part or None,
        "from_on": date(2026, 1, 1),
        "to_on": None,
        "is_withdrawn": False,
        "sequence": 1,
    }
    return TerritoryEntry(**{**values, **changes})  # type: ignore[arg-type]


def place(text: str) -> Place:
    commune, _, part = text.partition("/")
    return Place(
        commune=commune, city=CITY if commune in {FIRST, SECOND} else None, part=part or None
    )


CASES = table("""
    demand from   territories (place=cpts, joined by +)   answer
    31555         -                                       no_cpts_for_place
    31555         31555=a                                 a
    31555/nord    31555=a                                 a
    # a divided commune
    31555         31555/nord=a+31555/sud=b                part_needed
    31555/nord    31555/nord=a+31555/sud=b                a
    31555/sud     31555/nord=a+31555/sud=b                b
    31555/est     31555/nord=a+31555/sud=b                part_needed
    31555/est     -                                       no_cpts_for_place
    # a city of arrondissements
    69381         69123=a                                 a
    69381         69381=a+69382=b                         a
    69382         69381=a                                 no_cpts_for_place
    69123         69381=a+69382=b                         part_needed
    69123/nord    69381=a+69382=b                         part_needed
    69123         69123=a                                 a
    69381/pentes  69381/pentes=a+69381/presquile=b        a
    69381         69381/pentes=a+69381/presquile=b        part_needed
    69381/pente   69381/pentes=a+69381/presquile=b        part_needed
    69381/pentes  69381=a                                 a
    69381/pentes  69123=a                                 a
    69123         69381/pentes=a                          part_needed
    69381         69123/nord=a+69123/sud=b                part_needed
    # two claims at once: the same answer whatever the order
    31555         31555=b+31555=a                         a
    31555         31555=a+31555=b                         a
""")


@pytest.mark.parametrize(("demand_from", "territories", "answer"), CASES)
def test_the_holder_of_a_place(demand_from: str, territories: str, answer: str) -> None:
    entries = [entry(*claim.split("=")) for claim in territories.split("+") if territories != "-"]
    assert holder_of(place(demand_from), entries, DAY) == answer


@pytest.mark.parametrize(
    ("from_on", "to_on", "is_withdrawn", "is_held"),
    [
        (date(2026, 3, 10), None, False, True),
        (date(2026, 3, 11), None, False, False),
        (date(2026, 3, 1), date(2026, 3, 10), False, True),
        (date(2026, 3, 1), date(2026, 3, 9), False, False),
        (date(2026, 3, 1), None, True, False),
    ],
)
def test_an_entry_holds_from_its_first_to_its_last_day_included(
    from_on: date, to_on: date | None, *, is_withdrawn: bool, is_held: bool
) -> None:
    claim = entry("31555", "a", from_on=from_on, to_on=to_on, is_withdrawn=is_withdrawn)
    expected = "a" if is_held else "no_cpts_for_place"
    assert holder_of(place("31555"), [claim], DAY) == expected


def test_of_two_claims_the_latest_beginning_wins() -> None:
    older = entry("31555", "a", from_on=date(2026, 1, 1))
    newer = entry("31555", "b", from_on=date(2026, 3, 1))
    assert holder_of(place("31555"), [older, newer], DAY) == "b"
    assert holder_of(place("31555"), [newer, older], DAY) == "b"
