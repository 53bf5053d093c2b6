"""Missions of an ACI and their deadlines: computed, met, near, missed; and an ACI ended early."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.events.membership import (
    AciSigned,
    MissionDeadlineMissed,
    MissionDeadlineNear,
    MissionRecorded,
    Termination,
)
from services.membership.domain.calendar import local_day, midnight
from services.membership.domain.contract import contract_years, terminate
from services.membership.domain.missions import (
    PendingDeadline,
    check_mission,
    fall_due,
    said_on,
    set_deadlines,
)
from services.membership.domain.refusals import Reason, Refusal
from services.membership.handlers import fallen_due
from tests.membership.ordering import A_CPTS
from tests.membership.test_founding import PARAMETERS, sent

RULES = PARAMETERS.missions
SIGNED_ON = date(2026, 3, 31)
ACI = AciSigned(
    cpts_id="a",
    aci_id="aci",
    signed_on=SIGNED_ON,
    contract_years=contract_years(date(2026, 4, 15), 5),
)


def mission(mission_id: str = "m", name: str = "prevention", **fields) -> MissionRecorded:
    return MissionRecorded(
        **(
            {"cpts_id": "a", "mission_id": mission_id, "mission": name}
            | {"started_on": date(2026, 9, 1)}
            | fields
        )
    )


def deadlines(*recorded: MissionRecorded, aci: AciSigned = ACI):
    """What is due and met, by mission and step."""
    (event,) = set_deadlines([aci], recorded=recorded, present={}, missions=RULES)
    return {(one.mission, one.step): (one.due_on, one.met_on) for one in event.deadlines}


def test_deadlines_are_counted_in_months_from_the_signature() -> None:
    assert deadlines() == {
        ("acces_aux_soins", "start"): (date(2026, 9, 30), None),
        ("acces_aux_soins", "deployment"): (date(2027, 9, 30), None),
        ("parcours_pluriprofessionnel", "start"): (date(2027, 3, 31), None),
        ("parcours_pluriprofessionnel", "deployment"): (date(2028, 3, 31), None),
        ("prevention", "start"): (date(2027, 3, 31), None),
        ("prevention", "deployment"): (date(2028, 3, 31), None),
        ("crise_sanitaire", "start"): (date(2026, 9, 30), None),
        ("crise_sanitaire", "deployment"): (date(2027, 9, 30), None),
    }


def test_a_mission_meets_its_deadlines_on_the_days_it_starts_and_is_deployed() -> None:
    found = deadlines(mission(), mission("n", "acces_aux_soins", deployed_on=date(2028, 1, 1)))
    assert found["prevention", "start"][1] == date(2026, 9, 1)
    assert found["prevention", "deployment"][1] is None
    assert found["acces_aux_soins", "deployment"] == (date(2027, 9, 30), date(2028, 1, 1))
    withdrawn = deadlines(mission(is_withdrawn=True))
    assert withdrawn["prevention", "start"][1] is None


def test_a_mission_that_runs_on_meets_the_deadlines_of_the_next_aci() -> None:
    following = msgspec.structs.replace(
        ACI,
        aci_id="next",
        signed_on=date(2031, 3, 1),
        contract_years=contract_years(date(2031, 4, 15), 5),
    )
    assert deadlines(mission(), aci=following)["prevention", "start"][1] == date(2026, 9, 1)
    ended = mission(ended_on=date(2031, 4, 14))
    assert deadlines(ended, aci=following)["prevention", "start"][1] is None


def test_an_aci_ended_early_sets_no_deadline_after_its_last_day() -> None:
    ended = terminate(ACI, date(2027, 3, 31), "dissolution")
    assert isinstance(ended, AciSigned)
    access = mission("n", "acces_aux_soins", deployed_on=date(2026, 12, 1))
    found = deadlines(access, aci=ended)
    assert found == {
        ("acces_aux_soins", "start"): (date(2026, 9, 30), date(2026, 9, 1)),
        ("acces_aux_soins", "deployment"): (date(2027, 9, 30), date(2026, 12, 1)),
        ("parcours_pluriprofessionnel", "start"): (date(2027, 3, 31), None),
        ("prevention", "start"): (date(2027, 3, 31), None),
        ("crise_sanitaire", "start"): (date(2026, 9, 30), None),
    }
    day_before = terminate(ACI, date(2027, 3, 30), "dissolution")
    assert isinstance(day_before, AciSigned)
    assert ("prevention", "start") not in deadlines(access, aci=day_before)
    (event,) = set_deadlines([ended], recorded=[access], present={}, missions=RULES)
    (taken_up,) = set_deadlines(
        [ACI], recorded=[access], present={"aci": event.deadlines}, missions=RULES
    )
    assert len(taken_up.deadlines) == 8


def test_deadlines_are_set_again_only_when_they_change() -> None:
    (event,) = set_deadlines([ACI], recorded=[], present={}, missions=RULES)
    present = {"aci": event.deadlines}
    assert set_deadlines([ACI], recorded=[], present=present, missions=RULES) == []
    (again,) = set_deadlines([ACI], recorded=[mission()], present=present, missions=RULES)
    assert again.deadlines != event.deadlines
    withdrawn = msgspec.structs.replace(ACI, contract_years=(), is_withdrawn=True)
    (none,) = set_deadlines([withdrawn], recorded=[], present=present, missions=RULES)
    assert none.deadlines == ()


@pytest.mark.parametrize(
    ("asked", "others", "expected"),
    [
        (mission(), [], None),
        (mission(name="yoga"), [], Reason.NOT_A_MISSION),
        (mission(ended_on=date(2026, 8, 1)), [], Reason.PERIOD_ENDS_BEFORE_IT_STARTS),
        (mission(deployed_on=date(2026, 8, 1)), [], Reason.DEPLOYED_BEFORE_IT_STARTED),
        (mission(started_on=date(2026, 4, 14)), [], Reason.NO_ACI_IN_FORCE),
        (mission(started_on=date(2026, 4, 15)), [], None),
        (mission(started_on=date(2031, 4, 15)), [], Reason.NO_ACI_IN_FORCE),
        (mission(), [mission("n")], Reason.MISSION_UNDER_WAY),
        (mission(), [mission("n", ended_on=date(2026, 9, 1))], Reason.MISSION_UNDER_WAY),
        (mission(started_on=date(2026, 9, 2)), [mission("n", ended_on=date(2026, 9, 1))], None),
        (mission(), [mission("n", "accompagnement")], None),
        (mission(), [mission("n", is_withdrawn=True)], None),
        (mission(is_withdrawn=True, started_on=date(2020, 1, 1)), [], None),
    ],
)
def test_a_mission_starts_under_an_aci_and_once_at_a_time(asked, others, expected) -> None:
    refusal = check_mission(A_CPTS, asked, others=[*others, asked], signed=[ACI], missions=RULES)
    assert (refusal and refusal.reason) == expected


def pending(due_on: date, *, is_near_said: bool = False) -> PendingDeadline:
    return PendingDeadline(
        cpts_id="a",
        aci_id="aci",
        mission="prevention",
        step="start",
        due_on=due_on,
        is_near_said=is_near_said,
    )


@given(st.dates(date(2020, 1, 1), date(2090, 1, 1)), st.integers(-200, 200), st.booleans())
def test_a_deadline_is_near_for_sixty_days_then_missed(
    due_on: date, after: int, is_near_said: bool
) -> None:
    today = due_on + timedelta(days=after)
    event = fall_due(pending(due_on, is_near_said=is_near_said), today, RULES)
    if after > 0:
        assert isinstance(event, MissionDeadlineMissed)
        assert said_on(event, RULES) == due_on + timedelta(days=1)
    elif after >= -60 and not is_near_said:
        assert isinstance(event, MissionDeadlineNear)
        assert said_on(event, RULES) == due_on - timedelta(days=60)
    else:
        assert event is None


def test_a_midnight_in_paris_has_no_seconds_in_its_offset_whatever_the_year() -> None:
    for day in (date(1900, 1, 1), date(2026, 7, 1)):
        assert midnight(day).utcoffset() == timedelta()
        assert midnight(day).astimezone(ZoneInfo("Europe/Paris")).date() == day
    assert midnight(date(2026, 7, 1)) == datetime(2026, 6, 30, 22, tzinfo=UTC)


def test_what_falls_due_of_a_cpts_comes_in_the_order_of_its_days() -> None:
    today = date(2026, 4, 15)
    found = fallen_due(
        [sent(date(2026, 1, 10)), sent(date(2026, 3, 1))],
        [pending(date(2026, 4, 20)), pending(date(2026, 1, 31)), pending(date(2027, 1, 1))],
        today,
        RULES,
    )
    assert [(day, type(event).__name__) for day, event in found] == [
        (date(2026, 2, 1), "MissionDeadlineMissed"),
        (date(2026, 2, 19), "MissionDeadlineNear"),
        (date(2026, 3, 11), "ProjetDeSanteValidated"),
    ]


def test_an_aci_ended_early_has_a_shorter_last_year() -> None:
    ended = terminate(ACI, date(2027, 9, 15), "deadlines_missed")
    assert isinstance(ended, AciSigned)
    assert [(one.starts_on, one.ends_on) for one in ended.contract_years] == [
        (date(2026, 4, 15), date(2027, 4, 14)),
        (date(2027, 4, 15), date(2027, 9, 15)),
    ]
    assert terminate(ended, date(2027, 9, 15), "deadlines_missed") is None
    last = terminate(ACI, date(2031, 4, 14), "dissolution")
    assert isinstance(last, AciSigned)
    assert last.contract_years == ACI.contract_years


@pytest.mark.parametrize(
    ("ended_on", "why", "expected"),
    [
        (date(2026, 4, 14), "dissolution", Reason.NOT_WITHIN_THE_ACI),
        (date(2031, 4, 15), "dissolution", Reason.NOT_WITHIN_THE_ACI),
        (date(2027, 1, 1), "boredom", Reason.UNKNOWN_TERMINATION_REASON),
    ],
)
def test_an_aci_ends_on_a_day_of_it_for_a_known_reason(ended_on, why, expected) -> None:
    refused = terminate(ACI, ended_on, why)
    assert isinstance(refused, Refusal)
    assert refused.reason == expected
    withdrawn = msgspec.structs.replace(ACI, contract_years=(), is_withdrawn=True)
    assert isinstance(terminate(withdrawn, ended_on, "dissolution"), Refusal)


def test_an_aci_may_end_on_its_first_day_and_on_the_first_of_a_later_year() -> None:
    first_day = terminate(ACI, date(2026, 4, 15), "dissolution")
    assert isinstance(first_day, AciSigned)
    assert [(one.starts_on, one.ends_on) for one in first_day.contract_years] == [
        (date(2026, 4, 15), date(2026, 4, 15))
    ]
    assert first_day.termination == Termination(ended_on=date(2026, 4, 15), reason="dissolution")
    assert not first_day.is_withdrawn
    second = terminate(ACI, date(2027, 4, 15), "dissolution")
    assert isinstance(second, AciSigned)
    assert len(second.contract_years) == 2
    again = terminate(second, date(2027, 4, 15), "deadlines_missed")
    assert isinstance(again, AciSigned)
    assert again.termination == Termination(ended_on=date(2027, 4, 15), reason="deadlines_missed")


def test_a_mission_may_be_deployed_on_its_first_day_beside_others() -> None:
    at_once = mission(deployed_on=date(2026, 9, 1))
    ended = mission("n", started_on=date(2026, 5, 1), ended_on=date(2026, 8, 31))
    others = [mission("o", "accompagnement"), mission("p", is_withdrawn=True), ended]
    assert check_mission(A_CPTS, at_once, others=others, signed=[ACI], missions=RULES) is None
    under_way = mission("q", ended_on=date(2026, 9, 1))
    for held in ([at_once, under_way], [*others, under_way]):
        refusal = check_mission(A_CPTS, at_once, others=held, signed=[ACI], missions=RULES)
        assert refusal is not None
        assert refusal.extension == {"mission_id": "q"}


def test_of_a_mission_taken_up_twice_the_first_days_count() -> None:
    first = mission(deployed_on=date(2027, 2, 1), ended_on=date(2027, 3, 1))
    second = mission("n", started_on=date(2027, 5, 1), deployed_on=date(2027, 6, 1))
    for order in ([first, second], [second, first]):
        found = deadlines(*order)
        assert found["prevention", "start"][1] == date(2026, 9, 1)
        assert found["prevention", "deployment"][1] == date(2027, 2, 1)


def test_a_mission_without_deadlines_hides_none_of_the_others() -> None:
    free_first = msgspec.structs.replace(RULES, missions=RULES.missions[::-1])
    (event,) = set_deadlines([ACI], recorded=[], present={}, missions=free_first)
    assert (event.cpts_id, event.aci_id, len(event.deadlines)) == ("a", "aci", 8)
    short = msgspec.structs.replace(ACI, contract_years=contract_years(date(2026, 4, 15), 1))
    deployed = mission("n", "crise_sanitaire", deployed_on=date(2026, 9, 1))
    (event,) = set_deadlines([short], recorded=[deployed], present={}, missions=free_first)
    # what is not met and due after the last day is left out, and what follows it is not
    assert [(one.mission, one.step) for one in event.deadlines] == [
        ("crise_sanitaire", "start"),
        ("crise_sanitaire", "deployment"),
        ("prevention", "start"),
        ("parcours_pluriprofessionnel", "start"),
        ("acces_aux_soins", "start"),
    ]
    withdrawn = msgspec.structs.replace(ACI, contract_years=(), is_withdrawn=True)
    assert set_deadlines([withdrawn], recorded=[], present={}, missions=RULES) == []


def test_what_is_said_of_a_deadline_is_the_whole_of_it() -> None:
    due_on = date(2026, 9, 30)
    told = {"cpts_id": "a", "aci_id": "aci", "mission": "prevention", "step": "start"}
    near = fall_due(pending(due_on), due_on, RULES)
    assert near == MissionDeadlineNear(**told, due_on=due_on)
    missed = fall_due(pending(due_on), date(2026, 10, 1), RULES)
    assert missed == MissionDeadlineMissed(**told, due_on=due_on)


def test_an_instant_is_of_the_day_in_paris() -> None:
    assert local_day(datetime(2026, 6, 30, 21, 59, tzinfo=UTC)) == date(2026, 6, 30)
    assert local_day(datetime(2026, 6, 30, 22, 0, tzinfo=UTC)) == date(2026, 7, 1)
