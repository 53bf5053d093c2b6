"""Activities, values and contract years on a real PostgreSQL: any order leads to the same figures.

The model counts by loops over days and shares no code with the service.
"""

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.events.indicators import ActivityRecorded, Quantity, ValueRecorded
from contracts.events.membership import AciSigned, ContractYear, CptsRegistered
from contracts.recorded import Cause
from services.indicators.app import RULE
from services.indicators.handlers.recording import Said, declare, lock_cpts
from services.messaging.unit import Desk, open_unit
from tests.desks import empty
from tests.indicators.hearing import announced, hear, invariants
from tests.indicators.story import told

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
MISSIONS = {"groupe_qualite": "qualite_et_pertinence", "journee_prevention": "prevention"}
DAYS = [date(2025, 1, 1) + timedelta(days=120 * n) for n in range(6)]
Figures = dict[tuple[str, date], int]


@st.composite
def activities(draw: Any) -> ActivityRecorded:
    kind = draw(st.sampled_from(sorted(MISSIONS)))
    return ActivityRecorded(
        cpts_id="a",
        activity_id=draw(st.sampled_from("xyz")),
        kind=kind,
        mission=MISSIONS[kind],
        held_on=draw(st.sampled_from(DAYS)),
        participants=tuple(sorted(draw(st.sets(st.sampled_from(["8a", "8b", "8c"]))))),
        quantities=tuple(
            Quantity(unit=unit, count=draw(st.integers(0, 5)))
            for unit in draw(st.sets(st.sampled_from(["participants", "orientations"])))
        ),
        is_withdrawn=draw(st.booleans()),
    )


@st.composite
def values(draw: Any) -> ValueRecorded:
    starts_on = draw(st.sampled_from([date(2024, 12, 1), date(2025, 3, 1), date(2026, 3, 1)]))
    return ValueRecorded(
        cpts_id="a",
        indicator=draw(st.sampled_from(["parcours_inclusions", "depistage_sein"])),
        contract_year_starts_on=starts_on,
        value=draw(st.integers(0, 9)),
        true_on=starts_on + timedelta(days=draw(st.integers(0, 300))),
        by="caisse",
        is_withdrawn=draw(st.booleans()),
    )


@st.composite
def agreements(draw: Any) -> AciSigned:
    """An ACI of some years from one of two days on, or none any more."""
    first = draw(st.sampled_from([date(2024, 12, 1), date(2025, 3, 1)]))
    years = tuple(
        ContractYear(
            starts_on=first.replace(year=first.year + n),
            ends_on=first.replace(year=first.year + n + 1) - timedelta(days=1),
        )
        for n in range(draw(st.integers(0, 2)))
    )
    return AciSigned(
        cpts_id="a",
        aci_id="aci",
        signed_on=first,
        contract_years=years,
        is_withdrawn=not years,
    )


def expected(aci: AciSigned, entries: list[Any]) -> Figures:
    """The figures that are not 0."""
    figures: defaultdict[tuple[str, date], int] = defaultdict(int)
    said = [entry for entry in entries if isinstance(entry, ValueRecorded)]
    entries = [entry for entry in entries if isinstance(entry, ActivityRecorded)]
    for year in aci.contract_years:
        for one in said:
            if one.contract_year_starts_on == year.starts_on and not one.is_withdrawn:
                figures[one.indicator, year.starts_on] = one.value
        seen = set()
        for entry in entries:
            if entry.is_withdrawn or not year.starts_on <= entry.held_on <= year.ends_on:
                continue
            if entry.kind == "groupe_qualite":
                figures["qualite_reunions", year.starts_on] += 1
                seen |= {*entry.participants}
                continue
            figures["prevention_journees", year.starts_on] += 1
            for one in entry.quantities:
                figures[f"prevention_{one.unit}", year.starts_on] += one.count
        figures["qualite_participants", year.starts_on] = len(seen)
    return {key: value for key, value in figures.items() if value}


def subject_of(event: Any) -> str:
    if isinstance(event, ActivityRecorded):
        return f"a/activities/{event.activity_id}"
    return f"a/{event.indicator}/{event.contract_year_starts_on}/value"


async def put(desk: Desk, event: Any, place: int) -> None:
    """An order, as HTTP carries it out."""
    async with open_unit(desk) as unit:
        departement = (await lock_cpts(unit, ["a"]))["a"]
        said = Said(subject=subject_of(event), departement=departement, event=event)
        cause = Cause(id=f"order:{place}", recorded_at=NOON + timedelta(minutes=place))
        await declare(RULE, unit, [said], ["a"], cause)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(story=st.lists(st.one_of(activities(), values(), agreements()), min_size=1, max_size=8))
async def test_declared_figures_are_those_of_the_model_however_orders_and_years_come(
    migrated: Desk, story: list[Any]
) -> None:
    await empty(migrated)
    cpts = CptsRegistered(cpts_id="a", cpts_name="a", seat_commune="93066")
    await hear(migrated, "membership", told([cpts], "a", "93", NOON))
    aci = AciSigned(cpts_id="a", aci_id="aci", signed_on=DAYS[0], contract_years=())
    entries: dict[str, Any] = {}
    sequence = 1
    for place, event in enumerate(story):
        if isinstance(event, AciSigned):
            aci = event
            await hear(migrated, "membership", told([event], "a", "93", NOON, sequence))
            sequence += 1
        else:
            entries[subject_of(event)] = event
            await put(migrated, event, place)
        right = expected(aci, list(entries.values()))
        rows = await migrated.pool.fetch("select indicator, starts_on, value from figure")
        assert {(row[0], row[1]): row[2] for row in rows if row["value"]} == right
    assert await invariants(migrated) == {True}
    heard: Any = {}
    for one in await announced(migrated):
        known = heard.get((one.indicator, one.contract_year_starts_on))
        assert one.revision >= (known.revision if known else 0)
        heard[one.indicator, one.contract_year_starts_on] = one
    assert {key: one.value for key, one in heard.items() if one.value} == right
