"""The cases of `cases/*.yaml`, and what they write turned into what the domain takes."""

from collections.abc import Mapping
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from contracts.events.payments import DialogueLineSet, Step
from services.payments.domain.accounts import Account
from services.payments.domain.calendar import Convention, YearPart, months_after
from services.payments.domain.dues import Aci, Crisis, Funded, Mission, Year, years_of
from services.payments.domain.dues_rules import DuesRules, Switch, VariablePart
from services.payments.domain.levels import Standing
from services.payments.domain.lines import Line
from services.payments.domain.part_years import parts_of_year
from services.payments.domain.scale import Rate
from services.payments.domain.settlement import Dialogue
from services.payments.store.dues_rules import load_dues_rules
from services.payments.store.rate_files import read_rates

CASES = Path(__file__).parent / "cases"
FILES = {
    path.stem: yaml.safe_load(path.read_text("utf-8")) for path in sorted(CASES.glob("*.yaml"))
}
RATES = [
    Rate(**msgspec.structs.asdict(rate), sequence=place) for place, rate in enumerate(read_rates())
]


def cases_with(word: str) -> list[Any]:
    """The cases of the files whose cases write this word, each under its name."""
    return [
        pytest.param(content, case, id=f"{name}: {case['nom']}")
        for name, content in FILES.items()
        for case in content["cas"]
        if word in case
    ]


def line_of(written: dict[str, Any]) -> Line:
    paliers = written.get("paliers", {})
    return Line(
        mission=written["mission"],
        indicator=written["indicateur"],
        mode=written["mode"],
        max_cents=written["maximum"],
        target=written.get("cible"),
        baseline=written.get("valeur_initiale"),
        is_lower_better=is_lower_better(written),
        carried_over_from_on=written.get("reportee_de"),
        steps=tuple(Step(threshold=one, amount_cents=cents) for one, cents in paliers.items()),
    )


def is_lower_better(written: dict[str, Any]) -> bool:
    """The way that a line's values go, written `sens` as in the file of an annex."""
    assert written.get("sens", "haut") in ("haut", "bas")
    return bool(written.get("sens") == "bas")


def missions_of(case: dict[str, Any]) -> tuple[Mission, ...]:
    return tuple(
        Mission(
            mission_id=str(number),
            mission=one["mission"],
            started_on=one["commence_le"],
            ended_on=one.get("finit_le"),
        )
        for number, one in enumerate(case.get("missions", ()))
    )


def parts_of(case: dict[str, Any]) -> Mapping[str, YearPart] | None:
    """How much of the year missions ran, if the case lets envelopes follow it."""
    rules = rules_of(case)
    whole_ends_on = months_after(case["annee"], 12) - timedelta(days=1)
    year = Year(
        starts_on=case["annee"],
        ends_on=case.get("resiliee_le", whole_ends_on),
        whole_ends_on=whole_ends_on,
        aci_id="aci",
        signed_on=case["annee"],
        is_first=True,
        taille=case["taille"],
    )
    return parts_of_year(year, missions_of(case), rules)


def account_of(case: dict[str, Any]) -> Account:
    return Account(
        cpts_id="c1",
        starts_on=case["annee"],
        departement="95",
        taille=case["taille"],
        parts_run=parts_of(case),
        lines=tuple(line_of(one) for one in case["lignes"]),
        levels=validated(case["valeurs"]),
    )


def calendar_of(case: dict[str, Any], from_on: date) -> list[tuple[date, Convention]]:
    """The conventions that count time, each from a day on; one from the first day if not dated."""
    return list(case.get("calendrier", {from_on: case.get("prorata", "days")}).items())


def validated(values: dict[str, int]) -> dict[str, Standing]:
    """These values, by indicator, as an account holds what was validated."""
    return {name: Standing(value=value, level="validated") for name, value in values.items()}


def dialogue_of(values: dict[str, int], starts_on: date) -> Dialogue:
    return Dialogue(
        ends_on=date(2027, 4, 14),
        opened_on=date(2027, 5, 1),
        lines={
            indicator: DialogueLineSet(
                cpts_id="c1",
                contract_year_starts_on=starts_on,
                indicator=indicator,
                validated_value=value,
            )
            for indicator, value in values.items()
        },
    )


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
        variable_part=variable_part_of(rules, case),
        snp=applied(rules.snp, case, "snp"),
        lettre_intention=applied(rules.lettre_intention, case, "lettre_intention"),
    )


def variable_part_of(rules: DuesRules, case: dict[str, Any]) -> tuple[VariablePart, ...]:
    """Whether envelopes follow the time run: from the day that a case writes, if it does."""
    from_on = case.get("prorata_de_la_part_variable_a_partir_du")
    if from_on is None:
        return rules.variable_part
    (known,) = rules.variable_part
    return (known, msgspec.structs.replace(known, from_on=from_on, in_a_part_year="pro_rata"))


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


def funded_of(case: dict[str, Any]) -> Funded:
    """What the sums of a case rest on."""
    acis = [aci_of(number, written) for number, written in enumerate(case["aci"])]
    firsts = [first for aci in acis for first, _ in aci.years]
    tailles = case["tailles"] if "tailles" in case else dict.fromkeys(firsts, case["taille"])
    return Funded(
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
