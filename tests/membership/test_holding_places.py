"""A place belongs to one CPTS on a given day: tables of cases, then any sequence of orders."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.communes import Commune, resolve
from contracts.events.membership import TerritoryPlaceRecorded
from services.membership.domain import Correction, Cpts, is_on
from services.membership.domain.refusals import Reason, Refusal
from services.membership.domain.territory import (
    HeldPlace,
    PlaceAsked,
    correct_place,
    place_key,
    record_places,
)

CERGY, PONTOISE, NICE, TOULOUSE = "95127", "95500", "06088", "31555"
PARIS, PARIS_1, PARIS_18 = "75056", "75101", "75118"
UNINHABITED = "98411"
NAMES = {"a": "CPTS du Val", "b": "CPTS des Bords"}


def cpts(cpts_id: str) -> Cpts:
    return Cpts(
        cpts_id=cpts_id,
        cpts_name=NAMES[cpts_id],
        seat_commune=CERGY,
        departement="95",
        finess=None,
        sequence=1,
    )


def asked(what: str, entry_id: str = "new") -> PlaceAsked:
    """`code[/part][:population] first day..[last day]`"""
    place, days = what.split()
    place, _, population = place.partition(":")
    code, _, part = place.partition("/")
    from_on, _, to_on = days.partition("..")
    return PlaceAsked(
        entry_id=entry_id,
        code=code,
        place=resolve(code),
        part=part or None,
        population=int(population) if population else None,
        from_on=date.fromisoformat(from_on),
        to_on=date.fromisoformat(to_on) if to_on else None,
    )


def held(cpts_id: str, what: str, entry_id: str) -> HeldPlace:
    one = asked(what, entry_id)
    assert one.place is not None
    return HeldPlace(
        place=place_key(one.place),
        cpts_name=NAMES[cpts_id],
        entry=TerritoryPlaceRecorded(
            cpts_id=cpts_id,
            entry_id=entry_id,
            commune=one.place.code,
            part=one.part,
            population=one.population if one.part else one.place.population,
            from_on=one.from_on,
            to_on=one.to_on,
        ),
    )


# holder, what it holds | who asks, what it asks | the answer
CASES = """
- -                           | a 95127 2026-01-01..                  | recorded
- -                           | a 99999 2026-01-01..                  | unknown_commune
- -                           | a 95127 2026-01-02..2026-01-01        | period_ends_before_it_starts
- -                           | a 95127 2026-01-01..2026-01-01        | recorded
- -                           | a 06088/est 2026-01-01..              | population_needed
- -                           | a 95127:1000 2026-01-01..             | population_not_allowed
# the whole commune, and days
b 95127 2026-01-01..           | a 95127 2026-01-01..                  | place_taken
b 95127 2026-01-01..2026-06-30 | a 95127 2026-06-30..                  | place_taken
b 95127 2026-01-01..2026-06-30 | a 95127 2026-07-01..                  | recorded
b 95127 2026-07-01..           | a 95127 2026-01-01..2026-06-30        | recorded
b 95127 2026-07-01..           | a 95127 2026-01-01..2026-07-01        | place_taken
b 95127 2026-01-01..           | a 95500 2026-01-01..                  | recorded
a 95127 2026-01-01..           | a 95127 2026-03-01..                  | place_taken
# parts
b 06088/est:100000 2026-01-01.. | a 06088/est:100000 2026-01-01..       | place_taken
b 06088/est:100000 2026-01-01.. | a 06088/ouest:9000 2026-01-01..       | recorded
a 06088/est:100000 2026-01-01.. | a 06088/ouest:9000 2026-01-01..       | recorded
b 06088/est:100000 2026-01-01.. | a 06088 2026-01-01..                  | place_taken
b 06088 2026-01-01..           | a 06088/est:1000 2026-01-01..         | place_taken
b 06088/est:300000 2026-01-01.. | a 06088/ouest:57737 2026-01-01..      | recorded
b 06088/est:300000 2026-01-01.. | a 06088/ouest:57738 2026-01-01..      | parts_exceed_commune
b 06088/est:300000 2026-07-01.. | a 06088/ouest:57738 2026-01-01..      | parts_exceed_commune
b 06088/est:300000 2026-07-01.. | a 06088/o:57738 2026-01-01..2026-06-30 | recorded
- -                           | a 06088/est:357738 2026-01-01..       | parts_exceed_commune
- -                           | a 98411/est:7 2026-01-01..            | recorded
# the city and its arrondissements
a 75056 2026-01-01..           | a 75101 2026-01-01..                  | city_and_arrondissement
a 75118 2026-01-01..           | a 75056 2026-01-01..                  | city_and_arrondissement
a 75056/nord:9 2026-01-01..    | a 75101 2026-01-01..                  | city_and_arrondissement
a 75056 2026-01-01..2026-06-30 | a 75101 2026-07-01..                  | recorded
b 75056 2026-01-01..           | a 75101 2026-01-01..                  | place_taken
b 75118 2026-01-01..           | a 75056 2026-01-01..                  | place_taken
b 75118 2026-01-01..           | a 75101 2026-01-01..                  | recorded
b 75118/nord:9 2026-01-01..    | a 75118/sud:9 2026-01-01..            | recorded
# precedence: the first of several reasons
- -                           | a 99999/x 2026-01-02..2026-01-01      | unknown_commune
- -                           | a 06088/x 2026-01-02..2026-01-01      | period_ends_before_it_starts
b 06088/est:100000 2026-01-01.. | a 06088/est 2026-01-01..              | population_needed
b 95127 2026-01-01..           | a 95127:1000 2026-01-01..             | population_not_allowed
b 06088/est:300000 2026-01-01.. | a 06088/est:99999 2026-01-01..        | place_taken
"""


def rows(table: str) -> list[list[str]]:
    lines = [line for line in table.strip().splitlines() if not line.startswith("#")]
    return [[cell.strip() for cell in line.split("|")] for line in lines]


@pytest.mark.parametrize(("holding", "asking", "answer"), rows(CASES))
def test_a_place_asked_for_is_recorded_or_refused(holding: str, asking: str, answer: str) -> None:
    holder, what = holding.split(" ", maxsplit=1)
    present = [] if holder == "-" else [held(holder, what, "old")]
    asker, what = asking.split(" ", maxsplit=1)
    result = record_places(cpts(asker), [asked(what)], known={}, held=present)
    if answer == "recorded":
        assert isinstance(result, list)
        assert len(result) == 1
    else:
        assert isinstance(result, Refusal)
        assert result.reason == answer
        assert result.extension["entry_id"] == "new"


def test_city_and_arrondissement_comes_before_place_taken() -> None:
    present = [held("a", "75118 2026-01-01..", "own"), held("b", "75101 2026-01-01..", "other")]
    result = record_places(cpts("a"), [asked("75056 2026-01-01..")], known={}, held=present)
    assert isinstance(result, Refusal)
    assert result.reason is Reason.CITY_AND_ARRONDISSEMENT


def test_a_clash_names_both_cpts() -> None:
    result = record_places(
        cpts("a"),
        [asked("95127 2026-01-01..")],
        known={},
        held=[held("b", "95127 2025-01-01..", "old")],
    )
    assert isinstance(result, Refusal)
    assert result.extension["held_by"] == [{"cpts_id": "b", "cpts_name": NAMES["b"]}]
    assert result.extension["asked_by"] == {"cpts_id": "a", "cpts_name": NAMES["a"]}
    assert NAMES["a"] in result.detail
    assert NAMES["b"] in result.detail


def test_parts_that_follow_each_other_are_never_counted_together() -> None:
    parts = [
        held("b", "06088/est:300000 2026-01-01..2026-06-30", "one"),
        held("b", "06088/nord:300000 2026-07-01..2026-12-31", "two"),
        held("b", "06088/sud:300000 2027-01-01..", "three"),
    ]
    for people, is_taken in ((57_737, True), (57_738, False)):
        order = [asked(f"06088/ouest:{people} 2026-03-01..")]
        result = record_places(cpts("a"), order, known={}, held=parts)
        assert isinstance(result, list) is is_taken


def test_an_old_code_is_recorded_under_the_present_one() -> None:
    old = "01033"  # Bellegarde-sur-Valserine, Valserhône since 2019 under the same code
    merged = "01091"  # Châtillon-en-Michaille
    result = record_places(cpts("a"), [asked(f"{merged} 2026-01-01..")], known={}, held=[])
    assert isinstance(result, list)
    assert result[0].commune == old
    present = resolve(old)
    assert present is not None
    assert result[0].population == present.population


def test_a_batch_is_checked_against_itself_and_all_or_nothing() -> None:
    result = record_places(
        cpts("a"),
        [asked("95127 2026-01-01..", "one"), asked("95127 2026-02-01..", "two")],
        known={},
        held=[],
    )
    assert isinstance(result, Refusal)
    assert result.reason is Reason.PLACE_TAKEN
    assert result.extension["entry_id"] == "two"


def test_the_same_entry_again_changes_nothing_and_another_content_is_refused() -> None:
    first = held("a", "06088/est:10 2026-01-01..", "new").entry
    again = record_places(
        cpts("a"), [asked("06088/est:10 2026-01-01..")], known={"new": first}, held=[]
    )
    assert again == []
    for other in ("06088/est:11 2026-01-01..", "06088/est:10 2026-01-02..", "06088 2026-01-01.."):
        refused = record_places(cpts("a"), [asked(other)], known={"new": first}, held=[])
        assert isinstance(refused, Refusal)
        assert refused.reason is Reason.ALREADY_EXISTS


def test_a_resend_under_a_new_vintage_of_populations_is_still_the_same_content() -> None:
    first = held("a", "95127 2026-01-01..", "new").entry
    earlier_vintage = TerritoryPlaceRecorded(
        cpts_id="a", entry_id="new", commune="95127", population=1, from_on=first.from_on
    )
    again = record_places(
        cpts("a"), [asked("95127 2026-01-01..")], known={"new": earlier_vintage}, held=[]
    )
    assert again == []


# The correction of entry `own` of CPTS a (Cergy from 2026-01-01), beside b's from 2026-07-01.
CORRECTIONS = """
2026-01-01 2026-06-30 -         | recorded
2026-01-01 2026-07-01 -         | place_taken
2026-01-01 -          -         | place_taken
2026-01-01 -          withdrawn | recorded
2025-01-01 2025-12-31 -         | recorded
2026-02-01 2026-01-01 -         | period_ends_before_it_starts
2026-02-01 2026-01-01 withdrawn | period_ends_before_it_starts
2026-01-01 2026-06-15 -         | unchanged
"""


@pytest.mark.parametrize(("correcting", "answer"), rows(CORRECTIONS))
def test_a_correction_obeys_the_rules_of_a_new_entry(correcting: str, answer: str) -> None:
    from_on, to_on, withdrawn = correcting.split()
    own = held("a", "95127 2026-01-01..2026-06-15", "own")
    result = correct_place(
        cpts("a"),
        own.entry,
        Correction(
            from_on=date.fromisoformat(from_on),
            to_on=None if to_on == "-" else date.fromisoformat(to_on),
            is_withdrawn=withdrawn == "withdrawn",
        ),
        place=resolve(CERGY),
        held=[own, held("b", "95127 2026-07-01..", "other")],
    )
    if isinstance(result, Refusal):
        assert result.reason == answer
    else:
        assert answer == ("unchanged" if result is None else "recorded")


def test_a_withdrawn_entry_frees_its_place() -> None:
    entry = held("b", "95127 2026-01-01..", "old").entry
    withdrawn = correct_place(
        cpts("b"),
        entry,
        Correction(from_on=entry.from_on, is_withdrawn=True),
        place=resolve(CERGY),
        held=[],
    )
    assert isinstance(withdrawn, TerritoryPlaceRecorded)
    freed = HeldPlace(place=CERGY, cpts_name=NAMES["b"], entry=withdrawn)
    result = record_places(cpts("a"), [asked("95127 2026-01-01..")], known={}, held=[freed])
    assert isinstance(result, list)


FIRST_DAY = date(2026, 1, 1)
DAYS = st.integers(0, 12).map(lambda n: FIRST_DAY + timedelta(days=n))
PLACES = st.sampled_from(
    [
        *((PARIS, None), (PARIS, "nord"), (PARIS_1, None), (PARIS_18, None), (PARIS_18, "sud")),
        *((NICE, None), (NICE, "est"), (NICE, "ouest"), (NICE, "centre"), (UNINHABITED, "x")),
    ]
)
ORDERS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b"]),
        PLACES,
        st.integers(1, 400_000),
        DAYS,
        st.none() | DAYS,
        st.none() | st.integers(0, 30),  # which earlier entry to correct instead, if any
        st.booleans(),
    ),
    max_size=30,
)


def obey(orders: list[tuple]) -> list[TerritoryPlaceRecorded]:
    """The present entries after these orders; each refusal changes nothing."""
    present: dict[str, HeldPlace] = {}
    for number, (who, (code, part), population, from_on, to_on, target, flag) in enumerate(orders):
        everything = list(present.values())
        if target is not None and present:
            entry_id = sorted(present)[target % len(present)]
            entry = present[entry_id].entry
            result = correct_place(
                cpts(entry.cpts_id),
                entry,
                Correction(from_on=from_on, to_on=to_on, is_withdrawn=flag),
                place=resolve(entry.commune),
                held=[one for one in everything if one.place == present[entry_id].place],
            )
            events = [] if result is None or isinstance(result, Refusal) else [result]
        else:
            one = PlaceAsked(
                entry_id=f"{number:02}",
                code=code,
                place=resolve(code),
                part=part,
                population=population if part else None,
                from_on=from_on,
                to_on=to_on,
            )
            recorded = record_places(cpts(who), [one], known={}, held=everything)
            events = [] if isinstance(recorded, Refusal) else recorded
        for event in events:
            place = resolve(event.commune)
            assert place is not None
            present[event.entry_id] = HeldPlace(
                place=place_key(place), cpts_name=NAMES[event.cpts_id], entry=event
            )
    return [one.entry for one in present.values() if not one.entry.is_withdrawn]


@given(ORDERS)
def test_no_sequence_of_orders_leaves_a_place_held_twice_or_parts_above_the_commune(
    orders: list[tuple],
) -> None:
    entries = obey(orders)
    for day in (FIRST_DAY + timedelta(days=n) for n in range(15)):
        on = [entry for entry in entries if is_on(day, entry.from_on, entry.to_on)]
        for code in {entry.commune for entry in on}:
            here = [entry for entry in on if entry.commune == code]
            parts = [entry.part for entry in here]
            assert len(parts) == len(set(parts))
            assert None not in parts or len(parts) == 1
            commune = resolve(code)
            assert isinstance(commune, Commune)
            if commune.population is not None:
                assert sum(entry.population or 0 for entry in here) <= commune.population
            if commune.city is not None:
                assert commune.city not in {entry.commune for entry in on}
