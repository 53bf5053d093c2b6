"""Members, participations and registration: the RPPS check digit, overlaps, and refusals."""

from datetime import date

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.communes import resolve
from contracts.events.membership import CptsRegistered, FinessAssigned, MemberRecorded
from contracts.rpps import has_right_check_digit
from services.membership.domain import Correction, Cpts
from services.membership.domain.professionals import (
    MemberAsked,
    ParticipationAsked,
    correct_member,
    correct_participation,
    record_members,
    record_participation,
)
from services.membership.domain.refusals import Reason, Refusal
from services.membership.domain.registration import assign_finess, register
from tests.membership.ordering import A_CPTS, check_digit, rpps

PRECEDENCE = """
unknown_cpts unknown_entry unknown_member unknown_participation unknown_aci unknown_lettre
unknown_projet unknown_structure cpts_ended
already_exists unknown_commune finess_already_known finess_taken unknown_profession unknown_way
unknown_kind number_needed not_a_mission unknown_legal_form legal_form_of_another_place
unknown_ground unknown_termination_reason
period_ends_before_it_starts before_it_emerged wrong_check_digit siret_of_another_siren
belongs_through_structure verified_by_platform
member_overlap
population_needed population_not_allowed city_and_arrondissement place_taken parts_exceed_commune
aci_in_force territory_empty population_unknown
day_before_it_was_sent lettre_validated projet_pending projet_decided projet_not_validated
silence_elapsed silence_of_the_past
no_aci_in_force mission_under_way deployed_before_it_started not_within_the_aci
into_itself nothing_to_take
listed_twice newer_list_known
"""


def test_the_reasons_stand_in_their_order_of_precedence() -> None:
    assert list(Reason) == PRECEDENCE.split()


@given(st.from_regex(r"\A[0-9]{10}\Z"))
def test_of_ten_last_digits_exactly_one_is_right(ten_digits: str) -> None:
    right = [n for n in range(10) if has_right_check_digit(f"8{ten_digits}{n}")]
    assert right == [check_digit(ten_digits)]


@given(st.from_regex(r"\A[0-9]{10}\Z"), st.integers(0, 10), st.integers(1, 9))
def test_one_mistyped_digit_is_seen(ten_digits: str, place: int, shift: int) -> None:
    right = rpps(ten_digits)
    at = place + 1
    wrong = right[:at] + str((int(right[at]) + shift) % 10) + right[at + 1 :]
    assert not has_right_check_digit(wrong)


def test_a_number_worked_by_hand() -> None:
    # 1 0 0 0 2 3 4 5 6 7: doubled from the right 14>5, 10>1, 6, 0, 0; plain 6, 4, 2, 0, 1: 25
    assert check_digit("1000234567") == 5
    assert has_right_check_digit("810002345675")


DOCTOR, OTHER = rpps("1000000001"), rpps("1000000002")
WRONG = DOCTOR[:-1] + str((int(DOCTOR[-1]) + 1) % 10)


def asked(what: str, member_id: str = "new") -> MemberAsked:
    """`rpps first day..[last day] [overridden] [mistyped]`"""
    number, days, *flags = what.split()
    from_on, _, to_on = days.partition("..")
    return MemberAsked(
        member_id=member_id,
        rpps={"doctor": DOCTOR, "other": OTHER, "wrong": WRONG}[number],
        profession="1O" if "mistyped" in flags else "10",
        from_on=date.fromisoformat(from_on),
        to_on=date.fromisoformat(to_on) if to_on else None,
        is_check_digit_overridden="overridden" in flags,
    )


def member(what: str, member_id: str) -> MemberRecorded:
    recorded = record_members(A_CPTS, [asked(what, member_id)], known={}, present=[])
    assert isinstance(recorded, list)
    return recorded[0]


CASES = """
-                              | doctor 2026-01-01..             | recorded
-                              | doctor 2026-01-02..2026-01-01   | period_ends_before_it_starts
-                              | wrong 2026-01-02..2026-01-01    | period_ends_before_it_starts
-                              | wrong 2026-01-02..2026-01-01 mistyped | unknown_profession
-                              | wrong 2026-01-01..              | wrong_check_digit
-                              | wrong 2026-01-01.. overridden   | recorded
doctor 2026-01-01..2026-06-30  | doctor 2026-06-30..             | member_overlap
doctor 2026-01-01..2026-06-30  | doctor 2026-07-01..             | recorded
doctor 2026-01-01..            | doctor 2025-01-01..2026-01-01   | member_overlap
doctor 2026-01-01..            | other 2026-01-01..              | recorded
wrong 2026-01-01.. overridden  | wrong 2026-01-01..              | wrong_check_digit
wrong 2026-01-01.. overridden  | wrong 2026-01-01.. overridden   | member_overlap
"""


@pytest.mark.parametrize(
    ("holding", "asking", "answer"),
    [[cell.strip() for cell in line.split("|")] for line in CASES.strip().splitlines()],
)
def test_a_member_is_recorded_or_refused(holding: str, asking: str, answer: str) -> None:
    present = [] if holding == "-" else [member(holding, "old")]
    result = record_members(A_CPTS, [asked(asking)], known={}, present=present)
    if isinstance(result, Refusal):
        assert result.reason == answer
        assert result.extension["member_id"] == "new"
    else:
        assert answer == "recorded"
        assert len(result) == 1


def test_the_same_member_again_changes_nothing_and_another_content_is_refused() -> None:
    first = member("doctor 2026-01-01..", "new")
    for what, answer in [
        ("doctor 2026-01-01..", []),
        ("doctor 2026-01-01.. overridden", []),
        ("doctor 2026-01-02..", Reason.ALREADY_EXISTS),
        ("wrong 2026-01-01..", Reason.ALREADY_EXISTS),
        ("doctor 2026-01-01.. mistyped", Reason.ALREADY_EXISTS),
    ]:
        result = record_members(A_CPTS, [asked(what)], known={"new": first}, present=[first])
        assert (result.reason if isinstance(result, Refusal) else result) == answer


def test_a_batch_of_members_is_checked_against_itself() -> None:
    batch = [asked("doctor 2026-01-01..", "one"), asked("doctor 2026-02-01..", "two")]
    result = record_members(A_CPTS, batch, known={}, present=[])
    assert isinstance(result, Refusal)
    assert (result.reason, result.extension["member_id"]) == (Reason.MEMBER_OVERLAP, "two")


def correction(from_on: str, to_on: str | None = None, *, is_withdrawn: bool = False):
    return Correction(
        from_on=date.fromisoformat(from_on),
        to_on=date.fromisoformat(to_on) if to_on else None,
        is_withdrawn=is_withdrawn,
    )


def test_a_member_is_corrected_under_the_rules_of_a_new_one() -> None:
    own = member("doctor 2026-01-01..2026-06-30", "own")
    other = member("doctor 2026-07-01..", "other")
    for order, answer in [
        (correction("2026-01-01", "2026-06-30"), None),
        (correction("2026-02-01", "2026-06-30"), "recorded"),
        (correction("2026-01-01", "2026-07-01"), Reason.MEMBER_OVERLAP),
        (correction("2026-01-01", "2026-07-01", is_withdrawn=True), "recorded"),
        (correction("2026-02-01", "2026-01-01"), Reason.PERIOD_ENDS_BEFORE_IT_STARTS),
    ]:
        result = correct_member(A_CPTS, own, order, present=[own, other])
        if isinstance(result, MemberRecorded):
            assert answer == "recorded"
            assert (result.rpps, result.profession) == (own.rpps, own.profession)
        else:
            assert (result and result.reason) == answer
    withdrawn = msgspec.structs.replace(other, is_withdrawn=True)
    kept = correct_member(A_CPTS, own, correction("2026-01-01"), present=[own, withdrawn])
    assert isinstance(kept, MemberRecorded)


def participation(
    way: str,
    from_on: str = "2026-01-01",
    to_on: str | None = None,
    *,
    rpps: str = WRONG,
    is_overridden: bool = True,
):
    return ParticipationAsked(
        participation_id="p",
        rpps=rpps,
        is_check_digit_overridden=is_overridden,
        way=way,
        from_on=date.fromisoformat(from_on),
        to_on=date.fromisoformat(to_on) if to_on else None,
    )


def test_a_participation_needs_a_known_way_and_a_sound_period() -> None:
    for order, answer in [
        (participation("own_office"), None),
        (participation("cpts"), None),
        (participation("msp"), None),
        (participation("sos"), None),
        (participation("elsewhere"), Reason.UNKNOWN_WAY),
        (participation("elsewhere", "2026-01-02", "2026-01-01"), Reason.UNKNOWN_WAY),
        (participation("cpts", "2026-01-02", "2026-01-01"), Reason.PERIOD_ENDS_BEFORE_IT_STARTS),
        (
            participation("cpts", "2026-01-02", "2026-01-01", is_overridden=False),
            Reason.PERIOD_ENDS_BEFORE_IT_STARTS,
        ),
        (participation("cpts", is_overridden=False), Reason.WRONG_CHECK_DIGIT),
        (participation("cpts", rpps=DOCTOR, is_overridden=False), None),
    ]:
        result = record_participation(A_CPTS, order, first_event=None)
        assert (result.reason if isinstance(result, Refusal) else None) == answer


def test_a_participation_is_kept_once_and_corrected() -> None:
    first = record_participation(A_CPTS, participation("cpts"), first_event=None)
    assert first is not None
    assert not isinstance(first, Refusal)
    assert record_participation(A_CPTS, participation("cpts"), first_event=first) is None
    other = record_participation(A_CPTS, participation("msp"), first_event=first)
    assert isinstance(other, Refusal)
    assert other.reason is Reason.ALREADY_EXISTS
    assert correct_participation(first, correction("2026-01-01")) is None
    ended = correct_participation(first, correction("2026-01-01", "2026-02-01"))
    assert not isinstance(ended, Refusal)
    assert ended is not None
    assert ended.to_on == date(2026, 2, 1)
    refused = correct_participation(first, correction("2026-02-01", "2026-01-01"))
    assert isinstance(refused, Refusal)


HOLDER = Cpts(
    cpts_id="b",
    cpts_name="CPTS des Bords",
    seat_commune="95500",
    departement="95",
    finess="1950000001",
    sequence=1,
)
ORDER = CptsRegistered(
    cpts_id="a", cpts_name="CPTS du Val", seat_commune="01091", finess="1950000001"
)


def test_a_cpts_is_registered_under_the_present_code_of_its_seat() -> None:
    seat = resolve("01091")
    event = register(ORDER, seat=seat, first_event=None, finess_holder=None)
    assert isinstance(event, CptsRegistered)
    assert event.seat_commune == "01033"
    assert register(ORDER, seat=seat, first_event=event, finess_holder=HOLDER) is None


@pytest.mark.parametrize(
    ("seat", "is_known_otherwise", "holder", "reason"),
    [
        ("99999", True, HOLDER, Reason.ALREADY_EXISTS),
        ("99999", False, HOLDER, Reason.UNKNOWN_COMMUNE),
        ("01091", False, HOLDER, Reason.FINESS_TAKEN),
    ],
)
def test_a_registration_is_refused_for_the_first_reason(
    seat: str, *, is_known_otherwise: bool, holder: Cpts, reason: Reason
) -> None:
    known = CptsRegistered(cpts_id="a", cpts_name="autre", seat_commune="95127")
    result = register(
        msgspec.structs.replace(ORDER, seat_commune=seat),
        seat=resolve(seat),
        first_event=known if is_known_otherwise else None,
        finess_holder=holder,
    )
    assert isinstance(result, Refusal)
    assert result.reason is reason


def test_a_finess_is_given_once_and_to_one_cpts() -> None:
    without = msgspec.structs.replace(HOLDER, cpts_id="a", finess=None)
    given_now = assign_finess(without, "1950000002", finess_holder=None)
    assert given_now == FinessAssigned(cpts_id="a", finess="1950000002")
    taken = assign_finess(without, "1950000001", finess_holder=HOLDER)
    assert isinstance(taken, Refusal)
    assert taken.reason is Reason.FINESS_TAKEN
    again = assign_finess(HOLDER, "1950000001", finess_holder=HOLDER)
    assert isinstance(again, Refusal)
    assert again.reason is Reason.FINESS_ALREADY_KNOWN
