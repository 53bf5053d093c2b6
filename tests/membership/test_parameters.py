"""The dated values that membership's rules read: which holds when, and what is no value."""

from datetime import date

import msgspec
import pytest

from services.membership.domain.parameters import Parameters, read_parameters, taille_of
from tests.membership.test_aci import PARAMETERS, STARTS_ON, TOML


@pytest.mark.parametrize(
    ("population", "taille"),
    [
        (0, 1),
        (39_999, 1),
        (40_000, 2),
        (79_999, 2),
        (80_000, 3),
        (175_000, 3),
        (175_001, 4),
        (2_000_000, 4),
    ],
)
def test_the_taille_follows_the_bounds(population: int, taille: int) -> None:
    assert taille_of(population, STARTS_ON, PARAMETERS) == taille
    assert taille_of(population, date(2000, 1, 1), PARAMETERS) == taille


def test_later_bounds_hold_from_their_first_day() -> None:
    (today,) = PARAMETERS.taille_bounds
    later = msgspec.structs.replace(
        today,
        from_on=date(2030, 1, 1),
        bounds=(msgspec.structs.replace(today.bounds[0], population_max=9), *today.bounds[1:]),
    )
    parameters = msgspec.structs.replace(PARAMETERS, taille_bounds=(today, later))
    assert taille_of(10, date(2029, 12, 31), parameters) == 1
    assert taille_of(10, date(2030, 1, 1), parameters) == 2


INCREASE = "the limits of the tailles increase"
LAST_IS_FREE = "only the last taille is without limit"


@pytest.mark.parametrize(
    ("written", "instead", "why"),
    [
        ("taille = 2", "taille = 3", "the bounds give the tailles 1 to 4, in this order"),
        ("population_max = 39_999", "population_max = 80_000", INCREASE),
        ("population_max = 39_999", "population_max = 79_999", INCREASE),
        ("taille = 3, population_max = 175_000", "taille = 3", LAST_IS_FREE),
        ("taille = 4, ", "taille = 4, population_max = 9_000_000, ", LAST_IS_FREE),
        ('"next_anniversary"', '"at_once"', "Invalid enum value 'at_once'"),
        ("rule = ", "guess = 1\nrule = ", "Object contains unknown field `guess`"),
        (", deployment_months = 18", "", "a mission has both deadlines or none"),
        ("start_months = 6, ", "", "a mission has both deadlines or none"),
        ("start_months = 6, ", "start_months = 19, ", "a mission starts before it is deployed"),
        ('mission = "prevention"', 'mission = "crise_sanitaire"', "each mission has one rule"),
    ],
)
def test_unsound_parameters_are_refused(written: str, instead: str, why: str) -> None:
    assert written in TOML
    with pytest.raises(msgspec.ValidationError, match=rf"^{why}( - at .*)?$"):
        read_parameters(TOML.replace(written, instead, 1))


def test_bounds_are_at_least_one_in_the_order_of_their_days() -> None:
    (today,) = PARAMETERS.taille_bounds
    for bounds in ((), (today, today)):
        with pytest.raises(ValueError, match=r"^the bounds come in order of their first day, at"):
            Parameters(
                taille_bounds=bounds,
                taille_change=PARAMETERS.taille_change,
                projet_de_sante_silence=PARAMETERS.projet_de_sante_silence,
                missions=PARAMETERS.missions,
            )


def test_a_mission_may_be_deployed_as_soon_as_it_starts() -> None:
    at_once = TOML.replace("start_months = 6, ", "start_months = 18, ", 1)
    assert read_parameters(at_once).missions.missions[0].start_months == 18


def test_every_value_says_whether_it_is_verified_and_why() -> None:
    assert isinstance(PARAMETERS, Parameters)
    for dated in PARAMETERS.taille_bounds:
        assert dated.text
        assert all(bound.status for bound in dated.bounds)
    assert PARAMETERS.taille_change.status
