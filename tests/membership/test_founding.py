"""From émergence to the ACI: lettre d'intention, projet de santé and its silence, association."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import services.membership
from contracts.communes import resolve
from contracts.events.membership import (
    AssociationRecorded,
    LettreIntentionRecorded,
    MissionPlanned,
    ProjetDeSanteObjected,
    ProjetDeSanteSent,
    ProjetDeSanteValidated,
    ProjetDeSanteWithdrawn,
)
from services.membership.domain import Cpts, projet
from services.membership.domain.calendar import months_after
from services.membership.domain.founding import check_association, check_lettre, rewritten_refusal
from services.membership.domain.parameters import Silence, read_parameters
from services.membership.domain.projet import Outcome, Projet, ProjetAsked
from services.membership.domain.refusals import Reason, Refusal

PARAMETERS = read_parameters(
    (Path(services.membership.__file__).parent / "parameters.toml").read_text("utf-8")
)
TWO_MONTHS = PARAMETERS.projet_de_sante_silence
SENT_ON = date(2026, 1, 10)
DAYS = st.dates(date(2015, 1, 1), date(2100, 1, 1))


def cpts(departement: str) -> Cpts:
    return Cpts(
        cpts_id="a",
        cpts_name="CPTS du Val",
        seat_commune="95127",
        departement=departement,
        finess=None,
        sequence=1,
    )


def send(
    projet_id: str = "p",
    sent_on: date = SENT_ON,
    *,
    validated_on: date | None = None,
    objected_on: date | None = None,
    grounds: tuple[str, ...] = (),
    first_event: ProjetDeSanteSent | None = None,
    known: tuple[Projet, ...] = (),
    silence: Silence = TWO_MONTHS,
    today: date = SENT_ON,
    is_own_word: bool = False,
) -> Any:
    return projet.send(
        "a",
        ProjetAsked(
            projet_id=projet_id,
            sent_on=sent_on,
            document_sha256=None,
            validated_on=validated_on,
            objected_on=objected_on,
            grounds=grounds,
        ),
        first_event=first_event,
        known=known,
        silence=silence,
        today=today,
        is_own_word=is_own_word,
    )


def sent(sent_on: date = SENT_ON) -> Projet:
    events = send(sent_on=sent_on)
    assert isinstance(events, list)
    state = projet.evolve(None, events[0])
    assert state is not None
    return state


def only(decision: object) -> Any:
    """The one event of a decision that is no refusal."""
    assert isinstance(decision, list), decision
    (event,) = decision
    return event


def reason(decision: object) -> Reason:
    assert isinstance(decision, Refusal), decision
    return decision.reason


@pytest.mark.parametrize(
    ("day", "months", "after"),
    [
        (date(2026, 1, 10), 2, date(2026, 3, 10)),
        (date(2025, 12, 31), 2, date(2026, 2, 28)),
        (date(2023, 12, 31), 2, date(2024, 2, 29)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2024, 2, 29), 48, date(2028, 2, 29)),
        (date(2026, 8, 31), 1, date(2026, 9, 30)),
        (date(2026, 12, 1), 1, date(2027, 1, 1)),
        (date(2026, 11, 30), 18, date(2028, 5, 30)),
    ],
)
def test_months_end_on_the_same_day_or_on_the_last_of_the_month(
    day: date, months: int, after: date
) -> None:
    assert months_after(day, months) == after


@given(DAYS, st.integers(0, 60), st.integers(0, 60))
def test_more_months_never_end_earlier(day: date, one: int, more: int) -> None:
    assert day <= months_after(day, one) <= months_after(day, one + more)


def test_the_ars_may_object_for_two_months_and_its_silence_validates_the_day_after() -> None:
    pending = sent(date(2025, 12, 31))
    assert pending.silence_ends_on == date(2026, 2, 28)
    tacit = projet.fall_due(pending)
    assert (tacit.validated_on, tacit.is_tacit) == (date(2026, 3, 1), True)
    last = only(projet.decide(pending, grounds=("prs_not_respected",), today=date(2026, 2, 28)))
    assert isinstance(last, ProjetDeSanteObjected)
    assert (last.objected_on, last.grounds) == (date(2026, 2, 28), ("prs_not_respected",))


@given(DAYS, st.booleans())
def test_after_the_silence_an_order_is_refused_whether_the_timer_has_run_or_not(
    sent_on: date, has_run: bool
) -> None:
    waiting = sent(sent_on)
    if has_run:
        waiting = projet.evolve(waiting, projet.fall_due(waiting)) or waiting
    after = waiting.silence_ends_on + timedelta(days=1)
    for grounds in ((), ("territory_not_relevant",)):
        refused = projet.decide(waiting, grounds=grounds, today=after)
        assert reason(refused) is Reason.SILENCE_ELAPSED


def test_a_decision_is_made_once_and_on_a_ground_of_the_law() -> None:
    pending = sent()
    unknown = projet.decide(pending, grounds=("too_small",), today=SENT_ON)
    assert reason(unknown) is Reason.UNKNOWN_GROUND
    early = projet.decide(pending, grounds=(), today=SENT_ON - timedelta(days=1))
    assert reason(early) is Reason.DAY_BEFORE_IT_WAS_SENT
    event = only(projet.decide(pending, grounds=(), today=SENT_ON))
    assert event == ProjetDeSanteValidated(
        cpts_id="a", projet_id="p", validated_on=SENT_ON, is_tacit=False
    )
    decided = projet.evolve(pending, event)
    assert decided is not None
    assert (decided.outcome, decided.decided_on) == (Outcome.VALIDATED, SENT_ON)
    again = projet.decide(decided, grounds=(), today=SENT_ON)
    assert reason(again) is Reason.PROJET_DECIDED


def test_one_projet_waits_at_a_time_and_an_objected_one_leaves_room_for_the_next() -> None:
    pending = sent()
    assert reason(send("q", known=(pending,))) is Reason.PROJET_PENDING
    objection = only(projet.decide(pending, grounds=("prs_not_respected",), today=SENT_ON))
    objected = projet.evolve(pending, objection)
    assert objected is not None
    assert len(send("q", known=(objected,))) == 1
    withdrawal = projet.withdraw(pending, today=SENT_ON, is_own_word=True)
    assert isinstance(withdrawal, ProjetDeSanteWithdrawn)
    withdrawn = projet.evolve(pending, withdrawal)
    assert withdrawn is not None
    assert projet.withdraw(withdrawn, today=SENT_ON, is_own_word=True) is None
    assert len(send("q", known=(withdrawn,))) == 1


def test_what_the_ars_decided_long_ago_is_recorded_with_the_projet() -> None:
    first, decision = send(validated_on=date(2026, 2, 1))
    assert decision.validated_on == date(2026, 2, 1)
    assert send(first_event=first) == []
    assert reason(send(sent_on=date(2026, 1, 11), first_event=first)) is Reason.ALREADY_EXISTS
    _, objection = send(objected_on=SENT_ON, grounds=("prs_not_respected",))
    assert objection.grounds == ("prs_not_respected",)
    late = send(objected_on=date(2026, 3, 11), grounds=("prs_not_respected",))
    assert reason(late) is Reason.SILENCE_ELAPSED


def test_a_cpts_does_not_say_alone_that_the_ars_was_silent_for_long_enough() -> None:
    ends_on = sent().silence_ends_on
    assert len(send(today=ends_on, is_own_word=True)) == 1
    after = ends_on + timedelta(days=1)
    assert reason(send(today=after, is_own_word=True)) is Reason.SILENCE_OF_THE_PAST
    (first,) = send(today=after)
    assert send(first_event=first, today=after, is_own_word=True) == []


@given(st.booleans())
def test_a_cpts_withdraws_no_projet_that_is_decided_or_validated_by_silence(has_run: bool) -> None:
    waiting = sent()
    for grounds in ((), ("prs_not_respected",)):
        event = only(projet.decide(waiting, grounds=grounds, today=SENT_ON))
        decided = projet.evolve(waiting, event)
        assert decided is not None
        refused = projet.withdraw(decided, today=SENT_ON, is_own_word=True)
        assert reason(refused) is Reason.PROJET_DECIDED
        assert projet.withdraw(decided, today=SENT_ON, is_own_word=False) is not None
    if has_run:
        waiting = projet.evolve(waiting, projet.fall_due(waiting)) or waiting
    after = waiting.silence_ends_on + timedelta(days=1)
    refused = projet.withdraw(waiting, today=after, is_own_word=True)
    assert reason(refused) is Reason.SILENCE_ELAPSED


LETTRE = LettreIntentionRecorded(cpts_id="a", lettre_id="l", sent_on=SENT_ON, communes=("95127",))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, None),
        ({"validated_on": SENT_ON}, None),
        ({"communes": ("95127", "00000")}, Reason.UNKNOWN_COMMUNE),
        (
            {"calendar": (MissionPlanned(mission="yoga", starts_on=SENT_ON),)},
            Reason.NOT_A_MISSION,
        ),
        ({"validated_on": SENT_ON - timedelta(days=1)}, Reason.DAY_BEFORE_IT_WAS_SENT),
    ],
)
def test_a_lettre_names_communes_and_missions_that_exist(fields, expected) -> None:
    asked = msgspec.structs.replace(LETTRE, **fields)
    communes = {code: resolve(code) for code in asked.communes}
    refusal = check_lettre(asked, communes=communes, missions=PARAMETERS.missions)
    assert (refusal and refusal.reason) == expected


@pytest.mark.parametrize(
    ("departement", "legal_form", "expected"),
    [
        ("95", "loi_1901", None),
        ("67", "loi_1901", None),
        ("67", "droit_local", None),
        ("57", "droit_local", None),
        ("95", "droit_local", Reason.LEGAL_FORM_OF_ANOTHER_PLACE),
        ("95", "sarl", Reason.UNKNOWN_LEGAL_FORM),
    ],
)
def test_local_law_is_for_alsace_and_moselle(departement, legal_form, expected) -> None:
    association = AssociationRecorded(
        cpts_id="a", association_id="x", declared_on=SENT_ON, legal_form=legal_form
    )
    refusal = check_association(cpts(departement), association)
    assert (refusal and refusal.reason) == expected


SIREN, SIRET = "732829320", "73282932000074"


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ({"siren": SIREN}, None),
        ({"siren": SIREN, "siret": SIRET}, None),
        ({"siren": "356000000", "siret": "35600000000048"}, None),
        ({"siren": "732829321"}, Reason.WRONG_CHECK_DIGIT),
        ({"siren": SIREN, "siret": "73282932000075"}, Reason.WRONG_CHECK_DIGIT),
        ({"siren": "356000000", "siret": SIRET}, Reason.SIRET_OF_ANOTHER_SIREN),
    ],
)
def test_the_numbers_of_an_association_satisfy_their_key_and_agree(
    numbers: Any, expected: Reason | None
) -> None:
    association = AssociationRecorded(
        cpts_id="a", association_id="x", declared_on=SENT_ON, legal_form="loi_1901", **numbers
    )
    refusal = check_association(cpts("95"), association)
    assert (refusal and refusal.reason) == expected


@given(st.from_regex(r"[0-9]{8}", fullmatch=True))
def test_of_ten_sirens_that_differ_in_their_last_digit_one_is_right(eight_digits: str) -> None:
    right = [
        digit
        for digit in range(10)
        if check_association(
            cpts("95"),
            AssociationRecorded(
                cpts_id="a",
                association_id="x",
                declared_on=SENT_ON,
                legal_form="loi_1901",
                siren=f"{eight_digits}{digit}",
            ),
        )
        is None
    ]
    assert len(right) == 1


def test_a_projet_is_what_its_last_event_made_of_it() -> None:
    asked = ProjetAsked(
        projet_id="p",
        sent_on=SENT_ON,
        document_sha256="ab",
        validated_on=None,
        objected_on=date(2026, 3, 10),
        grounds=("prs_not_respected",),
    )
    events = projet.send(
        "a", asked, first_event=None, known=(), silence=TWO_MONTHS, today=SENT_ON, is_own_word=False
    )
    assert isinstance(events, list)
    first, objection = events
    assert first == ProjetDeSanteSent(
        cpts_id="a",
        projet_id="p",
        sent_on=SENT_ON,
        silence_ends_on=date(2026, 3, 10),
        document_sha256="ab",
    )
    assert objection == ProjetDeSanteObjected(
        cpts_id="a", projet_id="p", objected_on=date(2026, 3, 10), grounds=("prs_not_respected",)
    )
    pending = projet.evolve(None, first)
    assert pending == Projet(
        cpts_id="a",
        projet_id="p",
        sent_on=SENT_ON,
        silence_ends_on=date(2026, 3, 10),
        document_sha256="ab",
        outcome=Outcome.PENDING,
        decided_on=None,
        is_tacit=False,
        grounds=(),
    )
    assert pending is not None
    replaced = msgspec.structs.replace
    objected = projet.evolve(pending, objection)
    assert objected == replaced(
        pending,
        outcome=Outcome.OBJECTED,
        decided_on=date(2026, 3, 10),
        grounds=("prs_not_respected",),
    )
    tacit = projet.evolve(pending, projet.fall_due(pending))
    assert tacit == replaced(
        pending, outcome=Outcome.VALIDATED, decided_on=date(2026, 3, 11), is_tacit=True
    )
    withdrawal = ProjetDeSanteWithdrawn(cpts_id="a", projet_id="p")
    for decided in (objected, tacit):
        assert decided is not None
        assert projet.withdraw(decided, today=SENT_ON, is_own_word=False) == withdrawal
        withdrawn = projet.evolve(decided, withdrawal)
        assert withdrawn == replaced(pending, outcome=Outcome.WITHDRAWN)
    assert projet.evolve(None, withdrawal) is None


def test_a_cpts_withdraws_its_projet_up_to_the_last_day_of_the_silence() -> None:
    last = projet.withdraw(sent(), today=date(2026, 3, 10), is_own_word=True)
    assert isinstance(last, ProjetDeSanteWithdrawn)


def test_a_lettre_is_the_cptss_to_write_until_it_is_validated() -> None:
    validated = msgspec.structs.replace(LETTRE, validated_on=SENT_ON)
    assert [rewritten_refusal(one) is None for one in (None, LETTRE, validated)] == [
        True,
        True,
        False,
    ]
