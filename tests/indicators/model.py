"""What a story comes to: a model of its own, which walks through the days one by one and shares no
code with the service.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from contracts.events import membership, referrals
from contracts.recorded import Recorded
from tests.indicators.story import PARIS, Story

Key = tuple[str, str, date]


def expected_figures(story: Story) -> dict[Key, set[str]]:
    """The facts that each figure of a known contract year counts."""
    in_order = sorted(story.membership, key=lambda one: one.sequence)
    said = [one.event for one in in_order]
    model = _Model(
        members=_latest(said, membership.MemberRecorded, "member_id"),
        parts=_latest(said, membership.ParticipationRecorded, "participation_id"),
        finess={event.finess: event.cpts_id for event in said if getattr(event, "finess", None)},
        mergers=_latest(said, membership.CptsMerged, "into_cpts_id"),
    )
    ends: dict[tuple[str, date], date] = {}
    for aci in _latest(said, membership.AciSigned, "aci_id"):
        for year in aci.contract_years:
            key = (aci.cpts_id, year.starts_on)
            ends[key] = max(year.ends_on, ends.get(key, year.ends_on))
    figures: dict[Key, set[str]] = {}
    demands = model.demands(story.referrals)
    for (cpts_id, first), last in ends.items():
        for indicator in ("sas_medecins_participants", "sas_medecins_participants_via_cpts"):
            figures[cpts_id, indicator, first] = model.doctors(
                cpts_id, first, last, only_via=indicator.endswith("via_cpts")
            )
        figures[cpts_id, "sas_demandes_avec_rdv", first] = {
            fact_id
            for fact_id, (whose, day) in demands.items()
            if whose == cpts_id and first <= day <= last
        }
    return figures


def in_contract(found: dict[Key, set[str]], expected: dict[Key, set[str]]) -> dict[Key, set[str]]:
    """The figures without those of contract years that are no more and count nothing.

    Which of them were ever opened depends on the order of arrival.
    """
    return {key: facts for key, facts in found.items() if facts or key in expected}


def _latest(said: list[Any], entry: type[Any], name: str) -> list[Any]:
    found = {
        (event.cpts_id, getattr(event, name)): event for event in said if isinstance(event, entry)
    }
    return list(found.values())


def _covers(entry: Any, day: date) -> bool:
    is_ended = entry.to_on is not None and entry.to_on < day
    return not entry.is_withdrawn and entry.from_on <= day and not is_ended


def _paris_day(instant: datetime) -> date:
    return instant.astimezone(PARIS).date()


@dataclass(frozen=True)
class _Model:
    members: list[Any]
    parts: list[Any]
    finess: dict[str, str]
    mergers: list[Any]

    def doctors(self, cpts_id: str, first: date, last: date, *, only_via: bool) -> set[str]:
        found = set()
        for n in range((last - first).days + 1):
            day = first + timedelta(days=n)
            for member in self.members:
                if member.cpts_id != cpts_id or member.profession != "10":
                    continue
                for part in self.parts:
                    is_via = part.way == "cpts" and part.cpts_id == cpts_id
                    is_same = part.rpps == member.rpps and (is_via or not only_via)
                    if is_same and _covers(member, day) and _covers(part, day):
                        found.add(f"rpps:{member.rpps}")
        return found

    def demands(self, told: list[Recorded[Any]]) -> dict[str, tuple[str, date]]:
        counted: dict[str, tuple[str, date]] = {}
        slots: defaultdict[Any, list[str]] = defaultdict(list)
        for events in _by_subject(told, referrals.ReferralAccepted).values():
            accepted, standing = events[0], True
            slot = accepted
            for event in events[1:]:
                match event:
                    case referrals.AppointmentMoved():
                        slot = event
                    case referrals.AppointmentCancelled() | referrals.ReferralReturned():
                        standing = False
                    case _:
                        standing = True
            if standing:
                fact_id = f"referral:{accepted.referral_id}"
                counted[fact_id] = (accepted.cpts_id, _paris_day(accepted.accepted_at))
                slots[_slot(slot)].append(fact_id)
        platform = []
        for messages in _by_subject(told, referrals.PlatformAppointmentReported).values():
            order = ["pending", "booked", "fulfilled", "noshow", "cancelled"]
            last = max(
                messages, key=lambda m: (m.sent_at, order.index(m.status), m.distribution_id)
            )
            cpts_id = self.cpts_of(last)
            if cpts_id and last.status not in ("pending", "cancelled"):
                platform.append((last.created_at, last.appointment_id, cpts_id, last))
        for created_at, appointment_id, cpts_id, last in sorted(platform, key=lambda p: p[:2]):
            if last.practitioner_rpps is None or not slots[_slot(last)]:
                fact_id = f"appointment:{appointment_id}"
                counted[fact_id] = (cpts_id, _paris_day(created_at))
                slots[_slot(last)].append(fact_id)
        return counted

    def whole_of(self, cpts_id: str, day: date) -> str:
        for merger in self.mergers:
            if merger.cpts_id == cpts_id and day >= merger.merged_on:
                return self.whole_of(merger.into_cpts_id, day)
        return cpts_id

    def cpts_of(self, message: Any) -> str | None:
        day = _paris_day(message.created_at)
        if message.category == "MSP":
            return None
        if message.finess in self.finess:
            return self.whole_of(self.finess[message.finess], day)
        there = [
            member
            for member in self.members
            if member.rpps == message.practitioner_rpps and _covers(member, day)
        ]
        takes_part = any(
            part.rpps == message.practitioner_rpps and _covers(part, day) for part in self.parts
        )
        if not there or message.category is None or (message.category == "PS" and not takes_part):
            return None
        return min(there, key=lambda member: (member.from_on, member.cpts_id)).cpts_id


def _by_subject(told: list[Recorded[Any]], opening: type[Any]) -> dict[str, list[Any]]:
    """The events of each aggregate whose first event is an `opening`, in their order."""
    lives: dict[str, list[Any]] = {}
    for one in sorted(told, key=lambda one: one.sequence):
        if one.subject in lives:
            lives[one.subject].append(one.event)
        elif isinstance(one.event, opening):
            lives[one.subject] = [one.event]
    return lives


def _slot(event: Any) -> tuple[str | None, datetime]:
    return event.practitioner_rpps, event.starts_at.replace(second=0, microsecond=0)
