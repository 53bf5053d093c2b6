"""The catalogue of indicators: each sourced, none said to be verified that is not."""

from collections import Counter
from datetime import date

from contracts.indicators import indicators, indicators_of
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
    assert all(one.text and one.label for one in indicators().values())
    assert Counter(one.is_verified for one in indicators().values()) == {False: 32}
    assert {one.status for one in indicators().values()} <= {
        *("confirmed", "two_contracts", "single_source", "derived", "hypothesis"),
    }


def test_codes_are_there_once() -> None:
    text_codes = [one.code for one in indicators().values()]
    assert len(set(text_codes)) == len(text_codes)
