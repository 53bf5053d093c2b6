"""The domain alone over random stories: the same figures in any order of arrival."""

from datetime import date  # noqa: TC003
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.events import membership, referrals
from services.indicators.domain.appointments import (
    STATUS_RANKS,
    Appointment,
    Merger,
    Surroundings,
    attribute,
    drop_twins,
)
from services.indicators.domain.days import Period
from services.indicators.domain.doctors import Membership, Participation, doctor_figures
from services.indicators.domain.figures import INDICATOR_LABELS, ContractYear, demand_figures
from services.indicators.domain.referrals import said_by, together
from tests.indicators.model import Key, expected_figures
from tests.indicators.story import Story, arrivals, stories
from tests.indicators.test_counting import RULE


def figures_of(arrived: list[tuple[str, list[Any]]]) -> dict[Key, set[str]]:
    """What the domain makes of events, in the order given."""
    entries: dict[Any, Any] = {}
    finess: dict[str, str] = {}
    mergers: dict[str, Merger] = {}
    said: list[Any] = []
    states: dict[str, Any] = {}
    for one in (one for _, batch in arrived for one in batch):
        match one.event:
            case (
                membership.MemberRecorded()
                | membership.ParticipationRecorded()
                | membership.AciSigned() as entry
            ):
                names = ("member_id", "participation_id", "aci_id")
                name = next(getattr(entry, name) for name in names if hasattr(entry, name))
                known = entries.get((one.subject, name))
                entries[one.subject, name] = max(
                    (one.sequence, entry), known or (0, entry), key=lambda pair: pair[0]
                )
            case membership.CptsRegistered() | membership.FinessAssigned() as named:
                finess |= {named.finess: one.subject} if named.finess else {}
            case membership.CptsMerged() as told:
                mergers[told.cpts_id] = Merger(told.merged_on, told.into_cpts_id)
            case referrals.PlatformAppointmentReported() as message:
                rank = (message.sent_at, STATUS_RANKS[message.status], message.distribution_id)
                state = Appointment(
                    appointment_id=message.appointment_id,
                    status=message.status,
                    created_at=message.created_at,
                    starts_at=message.starts_at,
                    category=message.category,
                    finess=message.finess,
                    rpps=message.practitioner_rpps,
                )
                known = states.get(one.subject, (rank, state))
                states[one.subject] = max((rank, state), known, key=lambda pair: pair[0])
            case event:
                said.append(said_by(event, one.sequence))
    standing = [entry for _, entry in entries.values() if not entry.is_withdrawn]
    return _count(
        [entry for entry in standing if not isinstance(entry, membership.AciSigned)],
        _years([entry for entry in standing if isinstance(entry, membership.AciSigned)]),
        {"cpts_by_finess": finess, "mergers": mergers},
        together(said).values(),
        [state for _, state in states.values()],
    )


def _years(signed: list[membership.AciSigned]) -> dict[str, list[ContractYear]]:
    last: dict[str, dict[date, date]] = {}
    for aci in signed:
        known = last.setdefault(aci.cpts_id, {})
        for year in aci.contract_years:
            known[year.starts_on] = max(year.ends_on, known.get(year.starts_on, year.ends_on))
    return {
        cpts_id: [
            ContractYear(cpts_id=cpts_id, period=Period(first, end)) for first, end in known.items()
        ]
        for cpts_id, known in last.items()
    }


def _count(entries: Any, years: Any, named: Any, ours: Any, states: Any) -> dict[Key, set[str]]:
    members: dict[str, list[Membership]] = {}
    parts: dict[str, list[Participation]] = {}
    for entry in entries:
        days = Period(entry.from_on, entry.to_on)
        names = {"cpts_id": entry.cpts_id, "rpps": entry.rpps, "period": days}
        if isinstance(entry, membership.MemberRecorded):
            one = Membership(profession=entry.profession, **names)
            members.setdefault(entry.rpps, []).append(one)
        else:
            parts.setdefault(entry.rpps, []).append(Participation(way=entry.way, **names))
    counted: dict[Key, set[str]] = {
        (cpts_id, indicator, year.period.first): set()
        for cpts_id in years
        for year in years[cpts_id]
        for indicator in INDICATOR_LABELS
    }
    found = {f"rpps:{rpps}": doctor_figures(members[rpps], parts.get(rpps, []), years, RULE)
             for rpps in members}  # fmt: skip
    known = Surroundings(**named, memberships=members, participations=parts)
    settled = drop_twins(
        {state.appointment_id: attribute(state, known, RULE) for state in states},
        states,
        {one.twin_key(RULE): [f"referral:{one.referral_id}"] for one in ours if one.twin_key(RULE)},
    )
    places = {f"referral:{one.referral_id}": one.counted_for(RULE) for one in ours}
    places |= {f"appointment:{one}": settled[one].counted_for() for one in settled}
    found |= {
        fact: demand_figures(place[0], place[1], years) for fact, place in places.items() if place
    }
    for fact_id, keys in found.items():
        for key in keys:
            counted[key.cpts_id, key.indicator, key.starts_on].add(fact_id)
    return counted


@settings(max_examples=300, deadline=None)
@given(st.data(), stories())
def test_figures_are_the_same_in_any_order(data: st.DataObject, story: Story) -> None:
    assert figures_of(data.draw(arrivals(story))) == expected_figures(story)
