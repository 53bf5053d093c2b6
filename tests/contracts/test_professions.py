"""The professions of health: the shipped table, and that what counts doctors names known codes."""

import tomllib
from pathlib import Path

from contracts.professions import professions

RULE = Path(__file__).parents[2] / "services" / "indicators" / "parameters.toml"


def test_the_table_holds_the_thirty_professions_by_code() -> None:
    assert len(professions()) == 30
    assert list(professions()) == sorted(professions())
    known = {"10": "Médecin", "21": "Pharmacien", "50": "Sage-Femme", "60": "Infirmier"}
    assert known.items() <= professions().items()
    assert not {"1O", "IO", "11", "", "médecin"} & professions().keys()


def test_every_profession_that_the_counting_rule_names_is_one() -> None:
    parameters = tomllib.loads(RULE.read_text(encoding="utf-8"))["parameter"]
    counted = {code for one in parameters if one["name"] == "professions" for code in one["value"]}
    assert counted
    assert counted <= professions().keys()
