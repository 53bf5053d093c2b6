"""Random stories of CPTS, members, referrals and platform appointments, and what they come to.

`expected_figures` is a model of its own: it walks through the days one by one and shares no code
with the service.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from contracts.events import membership, referrals
from contracts.recorded import Cause, Recorded, record

CPTS = ("cpts-a", "cpts-b", "cpts-c")
DEPARTEMENTS = {"cpts-a": "93", "cpts-b": "12", "cpts-c": "974"}
RPPS = ("810000000001", "810000000002")
FINESS = ("1930000001", "1930000002")
FIRST_YEAR, SECOND_YEAR = date(2026, 3, 5), date(2027, 3, 5)
DAYS = [date(2026, 3, 1) + timedelta(days=n) for n in range(10)]
PARIS = ZoneInfo("Europe/Paris")
FACTS = ("sas_medecins_participants", "sas_medecins_participants_via_cpts", "sas_demandes_avec_rdv")

days = st.sampled_from(DAYS)
# Hours around midnight in Paris: 22:30 UTC is still the same day there in winter, 23:30 is not.
instants = st.builds(
    lambda day, hour: datetime.combine(day, time(*hour), tzinfo=UTC),
    days,
    st.sampled_from([(9, 0), (22, 30), (23, 30)]),
)
starts = st.builds(
    lambda minute, second: datetime(2026, 3, 8, 10, minute, second, tzinfo=UTC),
    st.sampled_from([0, 0, 1]),
    st.sampled_from([0, 30]),
)


@dataclass(frozen=True)
class Story:
    membership: list[Recorded[Any]]
    referrals: list[Recorded[Any]]


def told(
    events: list[Any], subject: str, departement: str, at: datetime, after_sequence: int = 0
) -> list[Recorded[Any]]:
    """Events of one aggregate, in their order."""
    return record(
        events,
        subject=subject,
        after_sequence=after_sequence,
        departement=departement,
        occurred_at=at,
        cause=Cause(id=f"order:{subject}:{after_sequence}", recorded_at=at),
    )


AT = datetime(2026, 3, 1, 8, tzinfo=UTC)


@st.composite
def entries(draw: Any, cpts_id: str) -> list[Any]:
    """Members and participations of one CPTS, some corrected or withdrawn."""
    events: list[Any] = []
    for n in range(draw(st.integers(1, 3))):
        rpps, profession = draw(st.sampled_from(RPPS)), draw(st.sampled_from(["10", "10", "60"]))
        for _ in range(draw(st.integers(1, 2))):
            first = draw(days)
            events.append(
                membership.MemberRecorded(
                    cpts_id=cpts_id,
                    member_id=f"m{n}",
                    rpps=rpps,
                    profession=profession,
                    from_on=first,
                    to_on=draw(st.sampled_from([None, None, first + timedelta(days=3)])),
                    is_withdrawn=draw(st.integers(0, 5)) == 5,
                )
            )
    for n in range(draw(st.integers(1, 3))):
        rpps, way = draw(st.sampled_from(RPPS)), draw(st.sampled_from(["own_office", "cpts"]))
        for _ in range(draw(st.integers(1, 2))):
            first = draw(days)
            events.append(
                membership.ParticipationRecorded(
                    cpts_id=cpts_id,
                    participation_id=f"p{n}",
                    rpps=rpps,
                    way=way,
                    from_on=first,
                    to_on=draw(st.sampled_from([None, None, first + timedelta(days=2)])),
                    is_withdrawn=draw(st.integers(0, 5)) == 5,
                )
            )
    return events


@st.composite
def signatures(draw: Any, cpts_id: str) -> list[Any]:
    """The ACI of one CPTS: none, one, or two of which the first may have been a mistake; each
    perhaps corrected to other first or last days, or withdrawn."""
    events: list[Any] = []
    for n in range(draw(st.sampled_from([0, 1, 1, 1, 1, 2]))):
        for _ in range(draw(st.sampled_from([1, 1, 2, 3]))):
            starts_on = draw(st.sampled_from([FIRST_YEAR, FIRST_YEAR, date(2026, 3, 7)]))
            ends_on = draw(st.sampled_from([date(2027, 3, 4), date(2027, 3, 4), date(2026, 3, 8)]))
            later = [membership.ContractYear(starts_on=SECOND_YEAR, ends_on=date(2028, 3, 4))]
            years = [membership.ContractYear(starts_on=starts_on, ends_on=ends_on)]
            years += later if draw(st.booleans()) else []
            is_withdrawn = draw(st.integers(0, 5)) == 5
            events.append(
                membership.AciSigned(
                    cpts_id=cpts_id,
                    aci_id=f"aci-{n}",
                    signed_on=FIRST_YEAR,
                    contract_years=() if is_withdrawn else tuple(years),
                    is_withdrawn=is_withdrawn,
                )
            )
    return events


@st.composite
def cpts_lives(draw: Any) -> list[Recorded[Any]]:
    """What membership says of the three CPTS."""
    said: list[Recorded[Any]] = []
    finess = list(draw(st.permutations([*FINESS, None])))
    for cpts_id, number in zip(CPTS, finess, strict=True):
        is_known_at_once = draw(st.booleans())
        first = membership.CptsRegistered(
            cpts_id=cpts_id,
            cpts_name=cpts_id,
            seat_commune="93001",
            finess=number if is_known_at_once else None,
        )
        rest = draw(entries(cpts_id))
        if number and not is_known_at_once:
            rest.append(membership.FinessAssigned(cpts_id=cpts_id, finess=number))
        rest += draw(signatures(cpts_id))
        said += told([first, *draw(st.permutations(rest))], cpts_id, DEPARTEMENTS[cpts_id], AT)
    return said


@st.composite
def referral_lives(draw: Any) -> list[Recorded[Any]]:
    """What referrals says of our own referrals."""
    said: list[Recorded[Any]] = []
    for n in range(draw(st.integers(2, 5))):
        referral_id, cpts_id = f"r-{n}", draw(st.sampled_from(CPTS))
        names = {"referral_id": referral_id, "cpts_id": cpts_id}
        answered_at = draw(instants)
        kind = draw(st.integers(0, 7))
        if kind == 0:
            events: list[Any] = [
                referrals.ReferralDeclined(
                    **names, reason="no_availability", declined_at=answered_at
                )
            ]
        elif kind == 1:
            events = [referrals.ReferralExpired(**names, expired_at=answered_at)]
        else:
            rpps = draw(st.sampled_from(RPPS))
            events = [
                referrals.ReferralAccepted(
                    **names,
                    appointment_id=referral_id,
                    practitioner_rpps=rpps,
                    received_at=answered_at - timedelta(minutes=5),
                    accepted_at=answered_at,
                    starts_at=draw(starts),
                )
            ]
            events += draw(
                st.lists(
                    st.one_of(
                        st.just(referrals.AppointmentHonoured(**names)),
                        st.just(referrals.AppointmentMissed(**names)),
                        st.just(referrals.AppointmentCancelled(**names, by="patient")),
                        st.just(
                            referrals.ReferralReturned(
                                **names, reason="by_cpts", returned_at=answered_at
                            )
                        ),
                        st.builds(
                            lambda rpps, at, names=names: referrals.AppointmentMoved(
                                **names, practitioner_rpps=rpps, starts_at=at
                            ),
                            st.sampled_from(RPPS),
                            starts,
                        ),
                    ),
                    max_size=3,
                )
            )
        # Sequence 1 and 2 are the receipt and the offer, which indicators does not hear.
        said += told(events, referral_id, "93", answered_at, after_sequence=2)
    return said


@st.composite
def platform_lives(draw: Any) -> list[Recorded[Any]]:
    """What the SAS platform tells, through referrals."""
    said: list[Recorded[Any]] = []
    for n in range(draw(st.integers(2, 5))):
        appointment_id, created_at = f"platform-{n}", draw(instants)
        events = [
            referrals.PlatformAppointmentReported(
                appointment_id=appointment_id,
                distribution_id=f"fr.health.ptfsas_{n}_{k}",
                sent_at=AT + timedelta(seconds=draw(st.integers(0, 2))),
                status=draw(
                    st.sampled_from(
                        ["booked", "booked", "fulfilled", "noshow", "pending", "cancelled"]
                    )
                ),
                created_at=created_at,
                starts_at=draw(starts),
                category=draw(st.sampled_from(["CPTS", "CPTS", "PS", "PS", "MSP", None])),
                finess=draw(st.sampled_from([*FINESS, None, None, "1999999999"])),
                practitioner_rpps=draw(st.sampled_from([*RPPS, *RPPS, None])),
            )
            for k in range(draw(st.integers(1, 3)))
        ]
        said += told(events, appointment_id, draw(st.sampled_from(["93", "00"])), AT)
    return said


@st.composite
def stories(draw: Any) -> Story:
    return Story(
        membership=draw(cpts_lives()), referrals=[*draw(referral_lives()), *draw(platform_lives())]
    )


@st.composite
def arrivals(draw: Any, story: Story) -> list[tuple[str, list[Recorded[Any]]]]:
    """The story's events as they come: shuffled, repeated, some lost and sent again at the end,
    cut in batches of one topic each.

    Half of the time membership is told before, so that nothing it says makes up later for a
    referral that was not looked at again.
    """
    events = [("membership", one) for one in story.membership]
    events += [("referrals", one) for one in story.referrals]
    events = draw(st.permutations(events))
    lost = [one for one in events if draw(st.integers(0, 6)) == 6]
    events = [one for one in events if one not in lost]
    if events:
        events += draw(st.lists(st.sampled_from(events), max_size=6))
        events = draw(st.permutations(events))
    batches: list[tuple[str, list[Recorded[Any]]]] = []
    events += lost
    if draw(st.booleans()):
        events.sort(key=lambda event: event[0])
    for topic, one in events:
        if batches and batches[-1][0] == topic and draw(st.integers(0, 3)):
            batches[-1][1].append(one)
        else:
            batches.append((topic, [one]))
    return batches


# --- the model -----------------------------------------------------------------------------------

Key = tuple[str, str, date]


def expected_figures(story: Story) -> dict[Key, set[str]]:
    """The facts that each figure of a known contract year counts."""
    in_order = sorted(story.membership, key=lambda one: one.sequence)
    said = [one.event for one in in_order]
    model = _Model(
        members=_latest(said, membership.MemberRecorded, "member_id"),
        parts=_latest(said, membership.ParticipationRecorded, "participation_id"),
        finess={event.finess: event.cpts_id for event in said if getattr(event, "finess", None)},
    )
    ends: dict[tuple[str, date], date] = {}
    for aci in _latest(said, membership.AciSigned, "aci_id"):
        for year in aci.contract_years:
            key = (aci.cpts_id, year.starts_on)
            ends[key] = max(year.ends_on, ends.get(key, year.ends_on))
    figures: dict[Key, set[str]] = {}
    demands = model.demands(story.referrals)
    for (cpts_id, first), last in ends.items():
        for indicator in FACTS[:2]:
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

    def cpts_of(self, message: Any) -> str | None:
        day = _paris_day(message.created_at)
        if message.category == "MSP":
            return None
        if message.finess in self.finess:
            return self.finess[message.finess]
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
