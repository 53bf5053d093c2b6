"""The cases of `cases/*.yaml`, and what they write turned into what the domain takes."""

from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from contracts.events.payments import DialogueLineSet, Step
from services.payments.domain.accounts import Account
from services.payments.domain.levels import Standing
from services.payments.domain.lines import Line
from services.payments.domain.scale import Rate
from services.payments.domain.settlement import Dialogue
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
        steps=tuple(Step(threshold=one, amount_cents=cents) for one, cents in paliers.items()),
    )


def account_of(case: dict[str, Any]) -> Account:
    return Account(
        cpts_id="c1",
        starts_on=case["annee"],
        departement="95",
        taille=case["taille"],
        lines=tuple(line_of(one) for one in case["lignes"]),
        levels=validated(case["valeurs"]),
    )


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
