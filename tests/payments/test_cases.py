"""The cases that a jurist can check without code: `cases/*.yaml`, sums and cents written by hand.

A case lists every sum of the kinds that its file names (`sommes`), up to a day, on the real scale.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from contracts.events.payments import YearAdjusted, YearSettled
from services.payments.domain.calendar import months_after
from services.payments.domain.dues import Aci, Crisis, DueSum, Funded, years_of
from services.payments.domain.dues_rules import DuesRules, Switch
from services.payments.domain.dues_schedule import dues_of
from services.payments.domain.scale import Rate
from services.payments.domain.settlement import adjust, settle
from services.payments.store.dues_rules import load_dues_rules
from tests.payments.written import FILES, RATES, account_of, calendar_of, cases_with, missions_of

SETTLED_ON = date(2027, 6, 1)


def rules_of(case: dict[str, Any]) -> DuesRules:
    """The parameters as they are, but for those that a case sets; from a day on, if it says so."""
    rules = load_dues_rules()
    calendar = tuple(
        msgspec.structs.replace(rules.calendar[0], from_on=from_on, pro_rata=pro_rata)
        for from_on, pro_rata in calendar_of(case, rules.calendar[0].from_on)
    )
    fonctionnement = case.get("fonctionnement_a_la_resiliation", rules.termination.fonctionnement)
    return msgspec.structs.replace(
        rules,
        calendar=calendar,
        termination=msgspec.structs.replace(rules.termination, fonctionnement=fonctionnement),
        snp=applied(rules.snp, case, "snp"),
        lettre_intention=applied(rules.lettre_intention, case, "lettre_intention"),
    )


def applied(known: tuple[Switch, ...], case: dict[str, Any], name: str) -> tuple[Switch, ...]:
    """The rules of an amount, and one more that applies it from the day that a case writes."""
    from_on = case.get("appliquee_a_partir_du", {}).get(name)
    if from_on is None:
        return known
    more = msgspec.structs.replace(known[-1], from_on=from_on, is_applied=True)
    return (*(one for one in known if one.from_on < from_on), more)


def aci_of(number: int, written: dict[str, Any]) -> Aci:
    firsts = [
        months_after(written["commence_le"], 12 * place) for place in range(written["annees"] + 1)
    ]
    end = written.get("resiliee_le")
    years = [
        (first, min(following - timedelta(days=1), end or following))
        for first, following in pairwise(firsts)
        if end is None or first <= end
    ]
    return Aci(aci_id=f"aci-{number}", signed_on=written["signee_le"], years=tuple(years))


def planned(case: dict[str, Any], rates: Sequence[Rate] = RATES) -> list[DueSum]:
    """All sums that a case's ACI brings, those to come too."""
    acis = [aci_of(number, written) for number, written in enumerate(case["aci"])]
    firsts = [first for aci in acis for first, _ in aci.years]
    tailles = case["tailles"] if "tailles" in case else dict.fromkeys(firsts, case["taille"])
    funded = Funded(
        cpts_id="c1",
        years=years_of(acis, tailles),
        missions=missions_of(case),
        crises=tuple(
            Crisis(crisis_id=f"crise-{number}", from_on=day)
            for number, day in enumerate(case.get("crises", ()))
        ),
        lettre_validated_on=case.get("lettre_validee_le"),
        confirmed=frozenset(case.get("confirmes", ())),
    )
    return dues_of(funded, rates, rules_of(case))


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
    words = {"aci", "lignes", "demande", "total", "contrat"}
    for name, content in FILES.items():
        for case in content["cas"]:
            assert len(words & case.keys()) == 1, f"{name}: {case['nom']}"
