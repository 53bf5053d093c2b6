"""The counting rule as pure functions, case by case and over random stories."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

import services.indicators
from services.indicators.domain.appointments import (
    Appointment,
    Outcome,
    Surroundings,
    attribute,
    candidate_cpts,
    drop_twins,
)
from services.indicators.domain.days import Period, local_day, start_minute
from services.indicators.domain.doctors import Membership, Participation, doctor_figures
from services.indicators.domain.figures import (
    DEMANDS,
    FACTS_PER_EVENT_MAX,
    ContractYear,
    Counted,
    Figure,
    FigureKey,
    demand_figures,
    fact_changes,
    figure_changes,
)
from services.indicators.domain.rule import CountingRule, Name, parse_rule
from services.indicators.domain.steering import Tally, steer

CONTENT = (Path(services.indicators.__file__).parent / "parameters.toml").read_bytes()
RULE = parse_rule(CONTENT)
YEAR = ContractYear(cpts_id="a", period=Period(date(2026, 3, 5), date(2027, 3, 4)))
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


def table(text: str) -> list[list[str | None]]:
    """The rows of a text table without its heading; `-` is None."""
    rows = [line.split() for line in text.strip().splitlines()[1:] if line.strip()]
    return [[None if cell == "-" else cell for cell in row] for row in rows]


def period(text: str | None) -> Period:
    """`2026-03-05..2026-03-09`, or without its end."""
    first, _, last = (text or "").partition("..")
    return Period(date.fromisoformat(first), date.fromisoformat(last) if last else None)


@pytest.mark.parametrize(
    ("profession", "member", "part", "counts"),
    table("""
    profession  member                    part                      counts
    10          2026-01-01..              2026-01-01..              yes
    60          2026-01-01..              2026-01-01..              no
    10          2026-03-10..2026-03-20    2026-03-20..2026-03-30    yes
    10          2026-03-10..2026-03-20    2026-03-21..2026-03-30    no
    10          2026-03-01..2026-03-04    2026-01-01..              no
    10          2026-03-01..2026-03-05    2026-03-05..              yes
    10          2027-03-04..              2027-03-05..              no
    10          2025-01-01..2026-03-04    2026-03-05..              no
    """),
)
def test_a_doctor_counts_when_member_and_taking_part_on_one_day_of_the_year(
    profession: str, member: str, part: str, counts: str
) -> None:
    figures = doctor_figures(
        [Membership(cpts_id="a", rpps="8", profession=profession, period=period(member))],
        [Participation(cpts_id="b", rpps="8", way="own_office", period=period(part))],
        {"a": [YEAR]},
        RULE,
    )
    assert {key.indicator for key in figures} == (
        {"sas_medecins_participants"} if counts == "yes" else set()
    )


def test_a_doctor_of_two_cpts_counts_in_each_and_via_the_one_that_declared_its_own_way() -> None:
    other = ContractYear(cpts_id="b", period=YEAR.period)
    figures = doctor_figures(
        [
            Membership(cpts_id=one, rpps="8", profession="10", period=YEAR.period)
            for one in ("a", "b")
        ],
        [Participation(cpts_id="b", rpps="8", way="cpts", period=YEAR.period)],
        {"a": [YEAR], "b": [other]},
        RULE,
    )
    assert {(key.cpts_id, key.indicator) for key in figures} == {
        ("a", "sas_medecins_participants"),
        ("b", "sas_medecins_participants"),
        ("b", "sas_medecins_participants_via_cpts"),
    }


def test_a_way_counts_only_while_the_dated_rule_holds_it() -> None:
    later = msgspec.structs.replace(
        next(value for value in RULE.values if value.name is Name.PARTICIPATION_WAYS),
        from_on=date(2026, 6, 1),
        value=("cpts",),
    )
    rule = CountingRule((*RULE.values, later))
    member = [Membership(cpts_id="a", rpps="8", profession="10", period=YEAR.period)]

    def counts(first: date) -> bool:
        part = Participation(cpts_id="a", rpps="8", way="sos", period=Period(first))
        return bool(doctor_figures(member, [part], {"a": [YEAR]}, rule))

    assert counts(date(2026, 5, 31))
    assert not counts(date(2026, 6, 1))


ATTRIBUTIONS = table("""
    status     category  finess  rpps    outcome       cpts  reason
    booked     CPTS      f-c     member  counted       c     -
    booked     -         f-c     -       counted       c     -
    booked     PS        f-c     nobody  counted       c     -
    booked     MSP       f-c     member  excluded      -     -
    booked     CDS       f-c     member  excluded      -     -
    booked     SOS       -       member  excluded      -     -
    booked     PDM       -       member  excluded      -     -
    booked     CPTS      f-x     member  counted       a     -
    fulfilled  CPTS      -       member  counted       a     -
    noshow     CPTS      -       member  counted       a     -
    pending    CPTS      f-c     member  not_standing  -     -
    cancelled  CPTS      f-c     member  not_standing  -     -
    booked     CPTS      -       nobody  unattributed  -     not_a_member
    booked     CPTS      -       -       unattributed  -     no_practitioner
    booked     PS        -       member  unattributed  -     not_taking_part
    booked     PS        -       part    counted       a     -
    booked     PS        -       nobody  unattributed  -     not_a_member
    booked     -         -       part    unattributed  -     category_not_attributed
    booked     NEW       -       part    unattributed  -     category_not_attributed
""")


@pytest.mark.parametrize(
    ("status", "category", "finess", "rpps", "outcome", "cpts", "reason"), ATTRIBUTIONS
)
def test_a_platform_appointment_goes_to_one_cpts_or_says_why_not(
    status: str,
    category: str | None,
    finess: str | None,
    rpps: str | None,
    outcome: str,
    cpts: str | None,
    reason: str | None,
) -> None:
    day = Period(local_day(NOON), local_day(NOON))
    known = Surroundings(
        cpts_by_finess={"f-c": "c"},
        memberships={
            one: [Membership(cpts_id="a", rpps=one, profession="60", period=day)]
            for one in ("member", "part")
        },
        participations={
            "part": [Participation(cpts_id="b", rpps="part", way="sos", period=day)],
            "nobody": [Participation(cpts_id="b", rpps="nobody", way="sos", period=day)],
        },
    )
    found = attribute(
        Appointment(
            appointment_id="1",
            status=status,
            created_at=NOON,
            starts_at=NOON,
            category=category,
            finess=finess,
            rpps=rpps,
        ),
        known,
        RULE,
    )
    assert (found.outcome, found.cpts_id, found.reason) == (outcome, cpts, reason)


def test_of_two_candidates_the_oldest_membership_wins_then_the_smallest_id() -> None:
    def member(cpts_id: str, dates: str) -> Membership:
        return Membership(cpts_id=cpts_id, rpps="8", profession="10", period=period(dates))

    day = date(2026, 3, 10)
    older = [member("a", "2026-03-02.."), member("b", "2026-03-01..")]
    assert candidate_cpts(older, day) == ["b", "a"]
    assert candidate_cpts([member("b", "2026-03-01.."), member("a", "2026-03-01..")], day) == [
        "a",
        "b",
    ]
    # A membership that does not cover the day makes nobody older.
    assert candidate_cpts([*older, member("a", "2020-01-01..2021-01-01")], day) == ["b", "a"]


def test_a_twin_of_our_referral_or_of_an_earlier_appointment_is_dropped() -> None:
    def appointment(appointment_id: str, created: int, second: int = 0, **more: Any) -> Appointment:
        return Appointment(
            appointment_id=appointment_id,
            status=more.pop("status", "booked"),
            created_at=NOON.replace(hour=created),
            starts_at=NOON.replace(second=second),
            finess="f",
            rpps=more.pop("rpps", "8"),
        )

    known = Surroundings(cpts_by_finess={"f": "c"}, memberships={}, participations={})

    def outcomes(appointments: list[Appointment], ours: dict[Any, list[str]]) -> dict[str, Any]:
        attributed = {one.appointment_id: attribute(one, known, RULE) for one in appointments}
        settled = drop_twins(attributed, appointments, ours)
        return {one: (settled[one].outcome, settled[one].twin) for one in sorted(settled)}

    twins = [appointment("z", 8), appointment("y", 9, second=59), appointment("x", 9)]
    assert outcomes(twins, {}) == {
        "x": (Outcome.DUPLICATE, "appointment:z"),
        "y": (Outcome.DUPLICATE, "appointment:z"),
        "z": (Outcome.COUNTED, None),
    }
    ours = {("8", start_minute(NOON)): ["referral:r"]}
    assert set(outcomes(twins, ours).values()) == {(Outcome.DUPLICATE, "referral:r")}
    cancelled = [appointment("z", 8, status="cancelled"), appointment("y", 9)]
    assert outcomes(cancelled, {})["y"] == (Outcome.COUNTED, None)
    nobodies = [appointment("z", 8, rpps=None), appointment("y", 9, rpps=None)]
    assert {one for one, _ in outcomes(nobodies, {}).values()} == {Outcome.COUNTED}


def test_a_day_is_counted_in_paris() -> None:
    assert local_day(datetime(2026, 3, 4, 22, 59, tzinfo=UTC)) == date(2026, 3, 4)
    assert local_day(datetime(2026, 3, 4, 23, 0, tzinfo=UTC)) == date(2026, 3, 5)
    assert local_day(datetime(2026, 7, 4, 22, 0, tzinfo=UTC)) == date(2026, 7, 5)
    with pytest.raises(ValueError, match="offset"):
        local_day(datetime(2026, 3, 4))  # noqa: DTZ001


def test_a_contract_year_holds_its_first_and_last_day() -> None:
    years = {"a": [YEAR]}
    key = FigureKey("a", DEMANDS, YEAR.period.first)
    assert demand_figures("a", date(2026, 3, 5), years).keys() == {key}
    assert demand_figures("a", date(2027, 3, 4), years).keys() == {key}
    assert demand_figures("a", date(2026, 3, 4), years) == {}
    assert demand_figures("a", date(2027, 3, 5), years) == {}
    assert demand_figures("b", date(2026, 3, 5), years) == {}


def test_too_many_facts_for_one_event_are_told_in_several() -> None:
    key = FigureKey("a", DEMANDS, YEAR.period.first)
    wanted = {f"referral:{n:05}": {key: Counted()} for n in range(FACTS_PER_EVENT_MAX + 1)}
    changes = fact_changes(wanted, {}, {"a"})
    figure = Figure(key=key, ends_on=date(2027, 3, 4), departement="93", value=3, revision=7)
    events = figure_changes(figure, changes[key])
    assert [(event.value, event.revision) for event in events] == [
        (3 + FACTS_PER_EVENT_MAX, 7 + FACTS_PER_EVENT_MAX),
        (4 + FACTS_PER_EVENT_MAX, 8 + FACTS_PER_EVENT_MAX),
    ]
    (opening,) = figure_changes(figure, [])
    assert (opening.value, opening.revision, opening.facts) == (3, 7, ())


def test_what_a_figure_of_another_cpts_counts_is_left_alone() -> None:
    mine, other = (FigureKey(one, DEMANDS, YEAR.period.first) for one in ("a", "b"))
    counted = {"rpps:8": {mine: Counted(), other: Counted()}}
    assert fact_changes({"rpps:8": {}}, counted, {"a"}).keys() == {mine}


def test_rates_are_basis_points_rounded_down() -> None:
    rates = steer(Tally(accepted=2, declined=1, expired=0, honoured=5, missed=1))
    assert (rates.acceptance_basis_points, rates.no_show_basis_points) == (6666, 1666)
    nothing = steer(Tally(accepted=0, declined=0, expired=0, honoured=0, missed=0))
    assert (nothing.acceptance_basis_points, nothing.no_show_basis_points) == (None, None)


def test_the_rule_as_committed_is_whole_and_says_that_nothing_is_verified() -> None:
    assert {value.name for value in RULE.values} == set(Name)
    assert not any(value.is_verified for value in RULE.values)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ((b'text = "Same draft: doctors', b'text = ""\n#'), "names its text"),
        ((b'name = "professions"', b'name = "participation_ways"'), "same day"),
        (
            (
                b'name = "crisis_typologies"\nfrom_on = 2019-06-20',
                b'name = "professions"\nfrom_on = 2030-01-01',
            ),
            "no value for crisis_typologies",
        ),
        ((b'name = "professions"', b'name = "unheard_of"'), "unheard_of"),
        ((b"is_verified = false", b'is_verified = "no"'), "bool"),
    ],
)
def test_a_rule_that_is_not_whole_is_refused(change: tuple[bytes, bytes], complaint: str) -> None:
    assert change[0] in CONTENT
    with pytest.raises(ValueError, match=complaint):
        parse_rule(CONTENT.replace(*change, 1))
