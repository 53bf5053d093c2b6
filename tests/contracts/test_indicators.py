"""The catalogue of indicators: each sourced, none said to be verified that is not."""

from datetime import date
from pathlib import Path

import pytest

import contracts
from contracts.indicators import indicators, indicators_of, parse_indicators
from services.payments.domain.scale import MISSIONS

BEFORE, SINCE = date(2021, 9, 1), date(2022, 4, 1)


def test_access_to_care_has_five_indicators_before_avenant_2_and_seven_since() -> None:
    before = {one.code for one in indicators_of("acces_aux_soins", BEFORE)}
    since = {one.code for one in indicators_of("acces_aux_soins", SINCE)}
    assert (len(before), len(since)) == (5, 7)
    assert before - since == {"consultations_snp"}
    assert since - before == {
        "medecin_traitant_plus_de_70_ans_sans",
        "sas_medecins_participants",
        "sas_demandes_avec_rdv",
    }


def test_every_mission_of_the_scale_has_indicators_and_no_other_has() -> None:
    assert {one.mission for one in indicators().values()} == set(MISSIONS)


def test_each_says_where_it_was_read_and_none_is_verified() -> None:
    assert not any(one.is_verified for one in indicators().values())
    assert {one.status for one in indicators().values()} <= {
        *("confirmed", "two_contracts", "single_source", "derived", "hypothesis"),
    }


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('code = "crise_plan"', 'code = "qualite_soirees"', "qualite_soirees: .* twice"),
        ('unit = "boolean"', 'unit = "nombre"', "crise_plan: .*'nombre'.*unit"),
        ('code = "crise_plan"\n', "", "without code: .*`code`"),
        ('label = "Mise à jour du plan datée de l\'année"', 'label = " "', "mise_a_jour: .* empty"),
        ('text = "Avenant 2 ; deux contrats', 'text = ""\n# ', "crise_plan: .* empty"),
        ("to_on = 2022-03-31", "to_on = 2019-06-19", "consultations_snp: it ends"),
    ],
)
def test_an_unsound_catalogue_is_refused_by_the_name_of_its_indicator(
    before: str, after: str, said: str
) -> None:
    content = (Path(contracts.__file__).parent / "data" / "indicators.toml").read_text("utf-8")
    assert before in content
    with pytest.raises(ValueError, match=said):
        parse_indicators(content.replace(before, after, 1).encode())
