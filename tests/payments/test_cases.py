"""The cases that a jurist can check without code: `cases/*.yaml`, sums and cents written by hand.

A case lists every sum of the kinds that its file names (`sommes`), up to a day, on the real scale.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest

from contracts.events.payments import YearAdjusted, YearSettled
from services.payments.domain.dues import DueSum
from services.payments.domain.dues_schedule import dues_of
from services.payments.domain.scale import Rate
from services.payments.domain.settlement import adjust, settle
from tests.payments.written import FILES, RATES, account_of, cases_with, funded_of, rules_of

SETTLED_ON = date(2027, 6, 1)


def planned(case: dict[str, Any], rates: Sequence[Rate] = RATES) -> list[DueSum]:
    """All sums that a case's ACI brings, those to come too."""
    return dues_of(funded_of(case), rates, rules_of(case))


@pytest.mark.parametrize(("file", "case"), cases_with("aci"))
def test_the_sums_of_a_case_are_those_written_in_it(
    file: dict[str, Any], case: dict[str, Any]
) -> None:
    found = [
        {
            "le": due.due_on,
            "somme": due.due_id,
            "annee": due.starts_on,
            "centimes": due.amount_cents,
            "retenue": due.is_held,
        }
        for due in planned(case)
        if due.due_id.startswith(tuple(file["sommes"])) and due.due_on <= case["jusqu_au"]
    ]
    expected = [{"retenue": True} | one for one in case["attendu"]]

    def by_day(one: dict[str, Any]) -> tuple[Any, ...]:
        return one["le"], one["annee"], one["somme"]

    assert sorted(found, key=by_day) == sorted(expected, key=by_day)


@pytest.mark.parametrize(("_file", "case"), cases_with("lignes"))
def test_a_year_is_settled_and_adjusted_by_the_cents_written_in_a_case(
    _file: dict[str, Any], case: dict[str, Any]
) -> None:
    account, values = account_of(case), case["valeurs"]
    settled = settle(account, SETTLED_ON, RATES, case.get("attendu", 0), SETTLED_ON)
    if "refus" in case:
        assert settled == case["refus"]
        return
    assert isinstance(settled, YearSettled)
    assert settled.variable_cents == case["attendu"]
    adjusted: list[YearAdjusted] = []
    for correction in case.get("corrections", ()):
        values = values | {correction["indicateur"]: correction["valeur"]}
        found = adjust(
            settled,
            adjusted,
            values,
            indicator=correction["indicateur"],
            due_year_starts_on=account.starts_on,
            number=len(adjusted) + 1,
            today=SETTLED_ON,
        )
        adjusted += [found] if found else []
        assert (found.amount_cents if found else 0) == correction["ajustement"]


def test_every_case_has_a_name_a_source_and_its_arithmetic() -> None:
    for name, content in FILES.items():
        assert len(content["cas"]) >= 4, f"{name} has too few cases to be believed"
        for case in content["cas"]:
            assert case.get("source", content["source"]), f"{name}: {case['nom']}"
            assert case["calcul"], f"{name}: {case['nom']}"
        names = [case["nom"] for case in content["cas"]]
        assert len(set(names)) == len(names), name
    assert sum(len(content["cas"]) for content in FILES.values()) >= 60


def test_every_case_is_read_by_a_test() -> None:
    words = {"aci", "lignes", "demande", "total", "contrat", "suppose"}
    for name, content in FILES.items():
        for case in content["cas"]:
            assert len(words & case.keys()) == 1, f"{name}: {case['nom']}"
