"""Two CPTS that become one and one that becomes two, on any day of the year.

Goal: on every day, each place and each person is where the texts say, with nobody lost or doubled.
"""

from datetime import date, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.events.membership import (
    AciSigned,
    CptsMerged,
    CptsSplit,
    MemberRecorded,
    MissionRecorded,
    StructureProfessionalRecorded,
    StructureRecorded,
    TerritoryPlaceRecorded,
)
from services.membership.domain import Cpts, is_on
from services.membership.domain.contract import contract_years
from services.membership.domain.refusals import Reason, Refusal
from services.membership.domain.structures import belonging
from services.membership.domain.transfer import Holding, Moved, merge, split
from tests.membership.ordering import A_CPTS, rpps
from tests.membership.test_structures import professional, structure

FIRST, LAST = date(2026, 1, 1), date(2026, 3, 1)
DAYS = st.dates(FIRST, LAST)
PERIODS = st.tuples(DAYS, st.none() | DAYS).filter(lambda one: one[1] is None or one[0] <= one[1])
MERGED_ON = date(2026, 2, 1)


NOTHING = Holding()


def cpts(cpts_id: str, **fields: Any) -> Cpts:
    return msgspec.structs.replace(A_CPTS, cpts_id=cpts_id, **fields)


def place(number: int, period, cpts_id: str = "a") -> TerritoryPlaceRecorded:
    return TerritoryPlaceRecorded(
        cpts_id=cpts_id,
        entry_id=f"e{number}",
        commune=f"{95000 + number}",
        population=100,
        from_on=period[0],
        to_on=period[1],
    )


def member(number: int, period, cpts_id: str = "a") -> MemberRecorded:
    return MemberRecorded(
        cpts_id=cpts_id,
        member_id=f"m{number}",
        rpps=rpps(f"10000000{number:02}"),
        profession="10",
        from_on=period[0],
        to_on=period[1],
    )


def merged(
    held: Holding, *, on: date = MERGED_ON, there: Holding = NOTHING, signed=(), missions=()
) -> Moved:
    moved = merge(
        cpts("a"),
        cpts("b"),
        on=on,
        held=held,
        there=there,
        signed=signed,
        missions=missions,
    )
    assert isinstance(moved, Moved)
    return moved


def after(entries, events, id_name: str):
    """The entries as the events leave them, by id."""
    found = {getattr(one, id_name): one for one in entries}
    for event in events:
        if isinstance(event, type(entries[0]) if entries else TerritoryPlaceRecorded):
            found[getattr(event, id_name)] = event
    return list(found.values())


def communes_on(entries, day: date) -> list[str]:
    return sorted(
        one.commune
        for one in entries
        if not one.is_withdrawn and is_on(day, one.from_on, one.to_on)
    )


@given(st.lists(PERIODS, min_size=1, max_size=5), DAYS)
def test_every_place_changes_hands_on_the_day_and_none_is_lost_or_doubled(periods, on) -> None:
    before = [place(number, period) for number, period in enumerate(periods)]
    moved = merged(Holding(territory=before), on=on)
    left = after(before, moved.given, "entry_id")
    taken = [one for one in moved.taken if isinstance(one, TerritoryPlaceRecorded)]
    day = FIRST
    while day <= LAST:
        held = communes_on(before, day)
        there = communes_on(taken, day)
        assert communes_on(left, day) == (held if day < on else [])
        assert there == ([] if day < on else held)
        day += timedelta(days=1)
    assert {one.cpts_id for one in taken} <= {"b"}


def test_a_merger_ends_the_aci_and_the_missions_on_the_eve() -> None:
    aci = AciSigned(
        cpts_id="a",
        aci_id="aci",
        signed_on=FIRST,
        contract_years=contract_years(date(2025, 9, 1), 5),
    )
    over = msgspec.structs.replace(
        aci, aci_id="over", contract_years=contract_years(date(2020, 9, 1), 5)
    )
    mission = MissionRecorded(
        cpts_id="a", mission_id="m", mission="prevention", started_on=date(2025, 10, 1)
    )
    later = msgspec.structs.replace(mission, mission_id="n", started_on=date(2026, 5, 1))
    moved = merged(Holding(), signed=[over, aci], missions=[mission, later])
    (ended,) = (one for one in moved.given if isinstance(one, AciSigned))
    assert [(one.starts_on, one.ends_on) for one in ended.contract_years] == [
        (date(2025, 9, 1), date(2026, 1, 31))
    ]
    assert ended.termination is not None
    assert ended.termination.reason == "merger"
    stopped, never = (one for one in moved.given if isinstance(one, MissionRecorded))
    assert (stopped.ended_on, stopped.is_withdrawn) == (date(2026, 1, 31), False)
    assert never.is_withdrawn
    assert moved.given[-1] == CptsMerged(cpts_id="a", into_cpts_id="b", merged_on=MERGED_ON)


def test_a_member_of_both_is_not_one_twice() -> None:
    both, single = member(1, (FIRST, None)), member(2, (FIRST, None))
    there = msgspec.structs.replace(both, cpts_id="b", member_id="x")
    moved = merged(Holding(members=[both, single]), there=Holding(members=[there]))
    assert [one.rpps for one in moved.taken] == [single.rpps]
    assert [one.to_on for one in moved.given[:2]] == [date(2026, 1, 31)] * 2
    left = msgspec.structs.replace(there, to_on=date(2026, 1, 15))
    moved = merged(Holding(members=[both]), there=Holding(members=[left]))
    assert [one.rpps for one in moved.taken] == [both.rpps]


@given(PERIODS, st.lists(PERIODS, max_size=4), DAYS)
def test_on_every_day_from_the_merger_a_member_of_either_is_a_member_once(
    period, periods_there, on
) -> None:
    """Those who were there already stay on their own days; the other days are taken over."""
    of_a = member(1, period)
    there: list[MemberRecorded] = []
    for number, (from_on, to_on) in enumerate(sorted(periods_there, key=lambda one: one[0])):
        before = there[-1].to_on if there else date.min
        if before is not None and from_on > before:
            there.append(
                msgspec.structs.replace(
                    member(number, (from_on, to_on), "b"), rpps=of_a.rpps, member_id=f"x{number}"
                )
            )
    moved = merged(Holding(members=[of_a]), on=on, there=Holding(members=there))
    members = [*there, *(one for one in moved.taken if isinstance(one, MemberRecorded))]
    assert len({one.member_id for one in members}) == len(members)
    day = FIRST
    while day <= LAST + timedelta(days=2):
        was_there = any(is_on(day, one.from_on, one.to_on) for one in there)
        came = day >= on and is_on(day, of_a.from_on, of_a.to_on)
        found = [one for one in members if is_on(day, one.from_on, one.to_on)]
        assert len(found) == (was_there or came), day
        day += timedelta(days=1)


def test_what_came_before_keeps_its_id_when_the_rest_follows() -> None:
    """A split took an entry, which ran again here later; then the rest is merged."""
    came = msgspec.structs.replace(place(1, (FIRST, FIRST), "b"), entry_id="a~e1")
    again = place(1, (MERGED_ON, None))
    moved = merged(Holding(territory=[again]), there=Holding(territory=[came]))
    (taken,) = moved.taken
    assert isinstance(taken, TerritoryPlaceRecorded)
    assert taken.entry_id == "a~e1~2026-02-01"


def test_a_structure_moves_with_those_who_work_in_it() -> None:
    msp, doctor = structure(), professional()
    moved = merged(Holding(structures=[msp], professionals=[doctor]))
    ended, out = moved.given[:2]
    assert isinstance(ended, StructureRecorded)
    assert ended.to_on == date(2026, 1, 31)
    assert out == belonging(doctor, ended)
    came, works, belongs = moved.taken
    assert isinstance(came, StructureRecorded)
    assert (came.cpts_id, came.structure_id, came.from_on) == ("b", "a~s", MERGED_ON)
    assert isinstance(works, StructureProfessionalRecorded)
    assert (works.structure_id, works.professional_id) == ("a~s", "p")
    assert belongs == belonging(works, came)
    assert (belongs.cpts_id, belongs.member_id, belongs.from_on) == ("b", "a~s:p", MERGED_ON)


def test_who_has_become_part_of_another_does_not_merge_again() -> None:
    ended = cpts("a", merged_on=FIRST, into_cpts_id="c")
    nothing: dict[str, Any] = {"held": Holding(), "there": Holding(), "signed": (), "missions": ()}
    for one, other, expected in (
        (cpts("a"), cpts("a"), Reason.INTO_ITSELF),
        (ended, cpts("b"), Reason.CPTS_ENDED),
        (cpts("b"), ended, Reason.CPTS_ENDED),
    ):
        refused = merge(one, other, on=MERGED_ON, **nothing)
        assert isinstance(refused, Refusal)
        assert refused.reason is expected


def test_a_split_takes_what_is_named_and_leaves_the_rest() -> None:
    held = Holding(
        territory=[place(1, (FIRST, None)), place(2, (FIRST, None))],
        members=[member(1, (FIRST, None)), member(2, (FIRST, None))],
        structures=[structure()],
        professionals=[professional()],
    )
    moved = split(
        cpts("a"),
        "new",
        on=MERGED_ON,
        held=held,
        entry_ids=["e2"],
        member_ids=["m1"],
        structure_ids=[],
    )
    assert isinstance(moved, Moved)
    assert [type(one).__name__ for one in moved.given] == [
        "TerritoryPlaceRecorded",
        "MemberRecorded",
        "CptsSplit",
    ]
    assert moved.given[-1] == CptsSplit(cpts_id="a", new_cpts_id="new", split_on=MERGED_ON)
    assert [(one.cpts_id, one.from_on) for one in moved.taken] == [("new", MERGED_ON)] * 2
    assert moved.taken[0].commune == "95002"
    assert moved.taken[1].rpps == member(1, (FIRST, None)).rpps


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ({"entry_ids": ["e9"]}, Reason.UNKNOWN_ENTRY),
        ({"entry_ids": ["e1"], "member_ids": ["m9"]}, Reason.UNKNOWN_MEMBER),
        ({"entry_ids": ["e1"], "structure_ids": ["s9"]}, Reason.UNKNOWN_STRUCTURE),
        ({"entry_ids": ["ended"]}, Reason.NOTHING_TO_TAKE),
    ],
)
def test_a_split_names_what_there_is_and_takes_a_place(named, expected) -> None:
    ended = msgspec.structs.replace(place(3, (FIRST, FIRST)), entry_id="ended")
    refused = split(
        cpts("a"),
        "new",
        on=MERGED_ON,
        held=Holding(territory=[place(1, (FIRST, None)), ended]),
        **({"member_ids": [], "structure_ids": []} | named),
    )
    assert isinstance(refused, Refusal)
    assert refused.reason is expected


def test_what_is_over_on_the_eve_is_left_and_hides_nothing_that_runs_on() -> None:
    """An entry of each kind that ended on the eve stands before one that runs from the day on."""
    eve = date(2026, 1, 31)
    over: dict[str, Any] = {"to_on": eve}
    held = Holding(
        territory=[place(1, (FIRST, eve)), place(2, (FIRST, MERGED_ON))],
        members=[member(1, (FIRST, eve)), member(2, (FIRST, MERGED_ON))],
        structures=[structure(structure_id="old", **over), structure()],
        professionals=[
            professional(structure_id="old"),
            professional(professional_id="left", **over),
            professional(),
        ],
    )
    moved = merged(held)
    taken = [type(one).__name__ for one in moved.taken]
    assert taken == [
        "TerritoryPlaceRecorded",
        "MemberRecorded",
        "StructureRecorded",
        "StructureProfessionalRecorded",
        "MemberRecorded",
    ]
    assert moved.taken[0] == msgspec.structs.replace(
        place(2, (MERGED_ON, MERGED_ON), "b"), entry_id="a~e2"
    )
    assert moved.taken[1] == msgspec.structs.replace(
        member(2, (MERGED_ON, MERGED_ON), "b"), member_id="a~m2"
    )
    assert [getattr(one, "to_on", None) for one in moved.given[:4]] == [eve] * 4
    withdrawn = msgspec.structs.replace(place(3, (FIRST, None)), is_withdrawn=True)
    assert merged(Holding(territory=[withdrawn])).taken == []


def test_an_aci_and_a_mission_that_end_on_the_eve_are_not_ended_again() -> None:
    eve = date(2026, 1, 31)
    aci = AciSigned(
        cpts_id="a",
        aci_id="aci",
        signed_on=FIRST,
        contract_years=contract_years(MERGED_ON - timedelta(days=365), 1),
    )
    assert aci.contract_years[-1].ends_on == eve
    withdrawn = msgspec.structs.replace(aci, contract_years=(), is_withdrawn=True)
    mission = MissionRecorded(
        cpts_id="a", mission_id="m", mission="prevention", started_on=eve, ended_on=eve
    )
    gone = msgspec.structs.replace(mission, ended_on=None, is_withdrawn=True)
    moved = merged(Holding(), signed=[withdrawn, aci], missions=[mission, gone])
    assert [type(one) for one in moved.given] == [CptsMerged]
    last_day = msgspec.structs.replace(mission, ended_on=None)
    (ended, _) = merged(Holding(), missions=[last_day]).given
    assert ended == mission


def test_no_member_and_no_structure_gets_an_id_that_is_known_there() -> None:
    held = Holding(members=[member(1, (FIRST, None))], structures=[structure()])
    there = Holding(
        members=[msgspec.structs.replace(member(3, (FIRST, FIRST), "b"), member_id="a~m1")],
        structures=[structure(cpts_id="b", structure_id="a~s", to_on=FIRST)],
    )
    person, place_of_work = merged(held, there=there).taken
    assert isinstance(person, MemberRecorded)
    assert person.member_id == "a~m1~2026-02-01"
    assert isinstance(place_of_work, StructureRecorded)
    assert place_of_work.structure_id == "a~s~2026-02-01"


def test_a_split_takes_the_structures_named_with_those_who_work_in_them() -> None:
    other = professional(structure_id="t", professional_id="q")
    moved = split(
        cpts("a"),
        "new",
        on=MERGED_ON,
        held=Holding(
            territory=[place(1, (FIRST, None))],
            structures=[structure(), structure(structure_id="t")],
            professionals=[professional(), other],
        ),
        entry_ids=["e1"],
        member_ids=[],
        structure_ids=["t"],
    )
    assert isinstance(moved, Moved)
    assert [getattr(one, "structure_id", None) for one in moved.taken] == [None, *["a~t"] * 3]
    assert [getattr(one, "professional_id", None) for one in moved.taken][2] == "q"
