"""Random stories of CPTS, members, referrals and platform appointments."""

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
    # Each may become a part of one that comes after it here, and so on.
    lasting = list(draw(st.permutations(CPTS)))
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
        later = lasting[lasting.index(cpts_id) + 1 :]
        if later and draw(st.booleans()):
            into = draw(st.sampled_from(later))
            rest.append(
                membership.CptsMerged(cpts_id=cpts_id, into_cpts_id=into, merged_on=draw(days))
            )
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
