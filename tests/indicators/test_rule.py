"""What the rule says on a day, to the day; and the small readings that counting rests on."""

from datetime import date

from services.indicators.domain.appointments import candidate_cpts
from services.indicators.domain.days import Period
from services.indicators.domain.doctors import Membership
from services.indicators.domain.figures import rpps_of
from services.indicators.domain.rule import CountingRule, DatedValue, Name

FIRST, CHANGED = date(2019, 6, 20), date(2026, 1, 1)


def dated(from_on: date, *words: str) -> DatedValue:
    return DatedValue(
        name=Name.PROFESSIONS, from_on=from_on, value=words, text="un texte", is_verified=False
    )


RULE = CountingRule((dated(CHANGED, "10", "60"), dated(FIRST, "10")))


def test_a_value_is_in_force_from_its_very_first_day_to_the_eve_of_the_next() -> None:
    assert RULE.on(Name.PROFESSIONS, FIRST) == ("10",)
    assert RULE.on(Name.PROFESSIONS, date(2025, 12, 31)) == ("10",)
    assert RULE.on(Name.PROFESSIONS, CHANGED) == ("10", "60")
    assert RULE.all_periods(Name.PROFESSIONS) == [
        (Period(FIRST, date(2025, 12, 31)), ("10",)),
        (Period(CHANGED, None), ("10", "60")),
    ]


def member(cpts_id: str, first: date, last: date | None = None) -> Membership:
    return Membership(cpts_id=cpts_id, rpps="8", profession="10", period=Period(first, last))


def test_of_several_entries_in_a_cpts_the_oldest_that_holds_decides() -> None:
    day = date(2026, 3, 1)
    through_a_structure = member("a", date(2026, 2, 1))
    personal = member("a", date(2025, 1, 1))
    other = member("b", date(2025, 6, 1))
    for entries in ([personal, through_a_structure, other], [through_a_structure, other, personal]):
        assert candidate_cpts(entries, day) == ["a", "b"]
    ended = member("a", date(2025, 1, 1), date(2026, 2, 28))
    assert candidate_cpts([ended, through_a_structure, other], day) == ["b", "a"]


def test_a_fact_about_a_professional_names_them() -> None:
    assert rpps_of("rpps:810002345675") == "810002345675"
    assert rpps_of("referral:r-1") is None
    assert rpps_of("appointment:rpps:1") is None
