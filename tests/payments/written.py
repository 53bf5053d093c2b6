"""The cases of `cases/*.yaml`, and what they write turned into what the domain takes."""

from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from contracts.events.payments import DialogueLineSet, Step
from services.payments.domain.accounts import Account
from services.payments.domain.calendar import Convention, YearPart, months_after
from services.payments.domain.dues import Mission, Year
from services.payments.domain.levels import Standing
from services.payments.domain.lines import Line
from services.payments.domain.part_years import parts_run
from services.payments.domain.scale import WITH_VARIABLE_PART, Rate
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
    rules = load_dues_rules()
    (known,) = rules.variable_part
    if "prorata_de_la_part_variable_a_partir_du" in case:
        from_on = case["prorata_de_la_part_variable_a_partir_du"]
        more = msgspec.structs.replace(known, from_on=from_on, in_a_part_year="pro_rata")
        rules = msgspec.structs.replace(rules, variable_part=(known, more))
    if not rules.is_variable_part_pro_rata(case["annee"]):
        return None
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
    return parts_run(year, missions_of(case), WITH_VARIABLE_PART, case.get("prorata", "days"))


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
