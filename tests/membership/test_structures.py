"""Structures of a CPTS and those who belong to it through one; its digital tools."""

from datetime import date
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.events.membership import (
    MemberRecorded,
    StructureProfessionalRecorded,
    StructureRecorded,
    ToolRecorded,
)
from services.membership.domain import Correction, is_on
from services.membership.domain.professionals import correct_member
from services.membership.domain.refusals import Reason, Refusal
from services.membership.domain.structures import (
    belonging,
    belonging_again,
    check_professional,
    check_structure,
    check_tool,
)
from tests.membership.ordering import A_CPTS, rpps

DOCTOR = rpps("1000000001")
DAY = date(2026, 1, 1)
DAYS = st.dates(date(2026, 1, 1), date(2026, 1, 20))
PERIODS = st.tuples(DAYS, st.none() | DAYS).filter(lambda one: one[1] is None or one[0] <= one[1])


MSP = StructureRecorded(
    cpts_id="a",
    structure_id="s",
    kind="msp",
    structure_name="MSP",
    siret="12345678900011",
    from_on=DAY,
)
WORKS = StructureProfessionalRecorded(
    cpts_id="a",
    structure_id="s",
    professional_id="p",
    rpps=DOCTOR,
    profession="10",
    from_on=DAY,
)
AGENDA = ToolRecorded(
    cpts_id="a",
    tool_id="t",
    kind="shared_agenda",
    tool_name="Agenda",
    is_dmp_compatible=True,
    is_interoperable=True,
    from_on=DAY,
)


def structure(**fields: Any) -> StructureRecorded:
    return msgspec.structs.replace(MSP, **fields)


def professional(**fields: Any) -> StructureProfessionalRecorded:
    return msgspec.structs.replace(WORKS, **fields)


@given(PERIODS, PERIODS, DAYS)
def test_somebody_belongs_through_a_structure_on_the_days_of_both(works, belongs, day) -> None:
    member = belonging(
        professional(from_on=works[0], to_on=works[1]),
        structure(from_on=belongs[0], to_on=belongs[1]),
    )
    is_member = not member.is_withdrawn and is_on(day, member.from_on, member.to_on)
    assert is_member == (is_on(day, *works) and is_on(day, *belongs))
    assert (member.member_id, member.structure_id) == ("s:p", "s")


@pytest.mark.parametrize(
    ("works", "belongs"),
    [({"is_withdrawn": True}, {}), ({}, {"is_withdrawn": True})],
)
def test_what_is_withdrawn_makes_no_member(works, belongs) -> None:
    assert belonging(professional(**works), structure(**belongs)).is_withdrawn


def test_a_structure_that_changes_says_again_only_who_changes_with_it() -> None:
    stays = professional(professional_id="stays", to_on=date(2026, 2, 1))
    leaves = professional(professional_id="leaves")
    never = professional(professional_id="never", from_on=date(2027, 1, 1))
    present = [belonging(one, structure()) for one in (stays, leaves)]
    shorter = structure(to_on=date(2026, 3, 1))
    (again,) = belonging_again([stays, leaves, never], shorter, present=present)
    assert (again.member_id, again.to_on) == ("s:leaves", date(2026, 3, 1))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, None),
        ({"kind": "club"}, Reason.UNKNOWN_KIND),
        ({"siret": None}, Reason.NUMBER_NEEDED),
        ({"siret": None, "finess": "1930000456"}, None),
        ({"siret": None, "rna": "W931234567", "kind": "association_de_patients"}, None),
        ({"siret": None, "kind": "esp"}, None),
        ({"siret": None, "kind": "ess"}, None),
        ({"to_on": date(2025, 12, 31)}, Reason.PERIOD_ENDS_BEFORE_IT_STARTS),
    ],
)
def test_a_structure_has_a_kind_of_the_law_and_its_number(fields, expected) -> None:
    refusal = check_structure(A_CPTS, structure(**fields))
    assert (refusal and refusal.reason) == expected


PERSONAL = MemberRecorded(cpts_id="a", member_id="m", rpps=DOCTOR, profession="10", from_on=DAY)
WRONG = DOCTOR[:-1] + str((int(DOCTOR[-1]) + 1) % 10)


@pytest.mark.parametrize(
    ("fields", "others", "expected"),
    [
        ({}, [], None),
        ({}, [PERSONAL], None),
        ({}, [belonging(professional(), structure())], None),
        (
            {"professional_id": "q"},
            [belonging(professional(), structure())],
            Reason.MEMBER_OVERLAP,
        ),
        (
            {"professional_id": "q", "to_on": date(2026, 1, 1)},
            [belonging(professional(from_on=date(2026, 1, 2)), structure())],
            None,
        ),
        ({"structure_id": "t"}, [belonging(professional(), structure())], None),
        ({"profession": "1O"}, [], Reason.UNKNOWN_PROFESSION),
        ({"rpps": WRONG}, [], Reason.WRONG_CHECK_DIGIT),
        ({"rpps": WRONG, "is_withdrawn": True}, [], None),
        ({"to_on": date(2025, 1, 1)}, [], Reason.PERIOD_ENDS_BEFORE_IT_STARTS),
    ],
)
def test_somebody_is_once_in_a_structure_and_may_also_belong_personally(
    fields, others, expected
) -> None:
    asked = professional(**fields)
    refusal = check_professional(A_CPTS, asked, is_check_digit_overridden=False, others=others)
    assert (refusal and refusal.reason) == expected
    if expected is Reason.WRONG_CHECK_DIGIT:
        assert (
            check_professional(A_CPTS, asked, is_check_digit_overridden=True, others=others) is None
        )


def test_who_belongs_through_a_structure_is_corrected_there() -> None:
    member = belonging(professional(), structure())
    refused = correct_member(A_CPTS, member, Correction(from_on=DAY), present=[member])
    assert isinstance(refused, Refusal)
    assert refused.reason is Reason.BELONGS_THROUGH_STRUCTURE
    moved = Correction(from_on=date(2026, 2, 1))
    corrected = correct_member(A_CPTS, PERSONAL, moved, present=[PERSONAL, member])
    assert corrected == msgspec.structs.replace(PERSONAL, from_on=date(2026, 2, 1))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, None),
        ({"kind": "fax"}, Reason.UNKNOWN_KIND),
        ({"to_on": date(2025, 1, 1)}, Reason.PERIOD_ENDS_BEFORE_IT_STARTS),
    ],
)
def test_a_tool_is_of_a_known_kind(fields, expected) -> None:
    refusal = check_tool(A_CPTS, msgspec.structs.replace(AGENDA, **fields))
    assert (refusal and refusal.reason) == expected
