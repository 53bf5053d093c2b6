"""A year's dialogue de gestion, its settlement and the adjustments after it.

Properties first, for any corrections in any order; then the running service.
"""

from datetime import UTC, date, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.events.membership import AciSigned, ContractYear, TailleDetermined
from contracts.events.payments import DialogueLineSet, YearAdjusted, YearSettled
from contracts.topics import INDICATORS, MEMBERSHIP
from services.payments.domain.accounts import Account
from services.payments.domain.lines import Line
from services.payments.domain.refusals import Refusal
from services.payments.domain.scale import Rate
from services.payments.domain.settlement import (
    Dialogue,
    adjust,
    obstacle,
    open_dialogue,
    open_year,
    set_dialogue_line,
    settle,
    variable_now,
)
from tests.payments.served import (
    DEMANDS,
    DOCTORS,
    LINEAR,
    YEAR,
    Payments,
    contract,
    figure,
    line_path,
    told,
)
from tests.payments.written import RATES, dialogue_of, validated

TODAY = date(2027, 6, 1)
LINES = tuple(
    Line(
        mission="acces_aux_soins",
        indicator=name,
        mode="linear",
        max_cents=20_000_00,
        target=10,
    )
    for name in ("a", "b", "c")
)
VALUES = st.fixed_dictionaries({line.indicator: st.integers(0, 12) for line in LINES})
CORRECTIONS = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 12)), max_size=8)
ACCOUNT = Account(
    cpts_id="c1", starts_on=YEAR.starts_on, departement="95", taille=3, lines=LINES, sequence=4
)


def agreed(values: dict[str, int]) -> int:
    """Each line brings 2 000 € a step, ten at most; together 35 000 € at most."""
    return min(sum(2_000_00 * min(value, 10) for value in values.values()), 35_000_00)


def settled_by(values: dict[str, int]) -> YearSettled:
    account = Account(
        cpts_id="c1",
        starts_on=YEAR.starts_on,
        departement="95",
        taille=3,
        lines=LINES,
        levels=validated(values),
        variable_cents=7,
    )
    settled = settle(account, TODAY, RATES, agreed(values), TODAY)
    assert isinstance(settled, YearSettled)
    return settled


def after(settled: YearSettled, values: dict[str, int], said: list[tuple[str, int]]) -> int:
    """The cents settled and adjusted after these corrections, one by one."""
    adjusted: list[YearAdjusted] = []
    for indicator, value in said:
        values = values | {indicator: value}
        found = adjust(
            settled,
            adjusted,
            values,
            indicator=indicator,
            due_year_starts_on=YEAR.starts_on,
            number=len(adjusted) + 1,
            today=TODAY,
        )
        adjusted += [found] if found else []
        assert all(one.amount_cents for one in adjusted)
    return settled.variable_cents + sum(one.amount_cents for one in adjusted)


@given(VALUES, CORRECTIONS)
def test_what_is_settled_and_adjusted_is_what_the_last_values_are_worth(
    values: dict[str, int], said: list[tuple[str, int]]
) -> None:
    settled = settled_by(values)
    assert after(settled, values, said) == variable_now(settled, values | dict(said))
    assert after(settled, values, said) == agreed(values | dict(said))


@given(VALUES, VALUES, st.permutations("abc"), st.permutations("abc"))
def test_the_order_of_corrections_does_not_matter(
    values: dict[str, int], last: dict[str, int], one: list[str], other: list[str]
) -> None:
    settled = settled_by(values)
    assert after(settled, values, [(name, last[name]) for name in one]) == after(
        settled, values, [(name, last[name]) for name in other]
    )


def test_nothing_is_adjusted_while_a_settled_line_has_no_value() -> None:
    settled = settled_by({"a": 1, "b": 1, "c": 1})
    how: dict[str, Any] = {"due_year_starts_on": YEAR.starts_on, "number": 1, "today": TODAY}
    assert adjust(settled, [], {"a": 2, "b": 1}, indicator="a", **how) is None
    assert adjust(settled, [], {"a": 2, "b": 1, "c": 1}, indicator="a", **how) is not None


def test_a_settlement_holds_all_that_it_rests_on() -> None:
    settled = settled_by({"a": 10, "b": 10, "c": 1})
    assert settled.variable_cents == 35_000_00
    assert settled.accrued_cents == 7
    assert [line.value for line in settled.lines] == [10, 10, 1]
    assert [terms.indicator for terms in settled.terms] == ["a", "b", "c"]
    assert [rate.rate_id for rate in settled.rates] == ["avenant-2/acces_aux_soins/variable/T3"]


@pytest.mark.parametrize(
    ("ends_on", "today", "expected"),
    [
        (None, TODAY, Refusal.UNKNOWN_CONTRACT_YEAR),
        (date(2027, 4, 14), date(2027, 4, 14), Refusal.YEAR_NOT_OVER),
    ],
)
def test_a_dialogue_opens_after_the_last_day_of_its_year(
    ends_on: date | None, today: date, expected: Refusal
) -> None:
    assert open_dialogue(ACCOUNT, Dialogue(ends_on=ends_on), today, today) is expected
    over = Dialogue(ends_on=date(2027, 4, 14))
    first = date(2027, 4, 15)
    assert not isinstance(open_dialogue(ACCOUNT, over, first, first), Refusal)
    assert open_dialogue(ACCOUNT, over, TODAY, first) is Refusal.OPENED_IN_THE_FUTURE


def test_a_line_of_a_dialogue_is_refused_in_this_order() -> None:
    def line(indicator: str, value: int | None = 1) -> DialogueLineSet:
        return DialogueLineSet(
            cpts_id="c1",
            contract_year_starts_on=YEAR.starts_on,
            indicator=indicator,
            validated_value=value,
        )

    closed = Dialogue(ends_on=YEAR.ends_on)
    opened = dialogue_of({"a": 1}, YEAR.starts_on)
    settled = Dialogue(
        ends_on=YEAR.ends_on,
        opened_on=TODAY,
        lines=opened.lines,
        settled=settled_by({"a": 1, "b": 1, "c": 1}),
    )
    assert set_dialogue_line(ACCOUNT, closed, line("z")) is Refusal.DIALOGUE_NOT_OPEN
    assert set_dialogue_line(ACCOUNT, opened, line("z")) is Refusal.UNKNOWN_LINE
    assert set_dialogue_line(ACCOUNT, opened, line("a", None)) == line("a", None)
    assert set_dialogue_line(ACCOUNT, opened, line("a")) == line("a")
    assert set_dialogue_line(ACCOUNT, settled, line("a", None)) is Refusal.VALUE_NEEDED


def test_a_settlement_is_refused_in_this_order() -> None:
    one, all_of_them = {"a": 1}, {"a": 1, "b": 1, "c": 1}
    settled = settled_by(all_of_them)

    def answer(opened_on: date | None, rates: list[Rate], **known: Any) -> Refusal | None:
        account = msgspec.structs.replace(ACCOUNT, **known)
        found = settle(account, opened_on, rates, 1, TODAY)
        assert isinstance(found, Refusal)
        assert obstacle(account, opened_on, rates) in (found, None), "whatever the sum"
        return found

    assert answer(None, [], settled=settled, levels=validated(one)) is Refusal.DIALOGUE_NOT_OPEN
    assert answer(TODAY, [], settled=settled, levels=validated(one)) is Refusal.ALREADY_SETTLED
    assert answer(TODAY, [], levels=validated(one)) is Refusal.VALUES_MISSING
    assert answer(TODAY, [], levels=validated(all_of_them)) is Refusal.RATE_UNKNOWN
    assert answer(TODAY, RATES, levels=validated(all_of_them)) is Refusal.ANOTHER_SUM


@pytest.mark.parametrize(
    ("today", "expected"),
    [
        (date(2027, 4, 15), date(2027, 4, 15)),
        (date(2028, 4, 14), date(2027, 4, 15)),
        (date(2028, 4, 15), date(2027, 4, 15)),  # the ACI is over: its last year
    ],
)
def test_an_adjustment_is_due_in_the_year_that_is_open(today: date, expected: date) -> None:
    years = [
        (date(2027, 4, 15), date(2028, 4, 14)),
        (date(2026, 4, 15), date(2027, 4, 14)),
    ]
    assert open_year(years, YEAR.starts_on, today) == expected


# --- the running service ---

YEAR_PATH = f"/cpts/c1/contract-years/{YEAR.starts_on}"
LATER = {"Order-Instant": datetime(2027, 5, 3, 9, tzinfo=UTC).isoformat()}
OPENING, AGREED = {"opened_on": "2027-05-01"}, {"variable_cents": 3_000_00}
SECOND = ContractYear(starts_on=date(2027, 4, 15), ends_on=date(2028, 4, 14))
RATE = "avenant-2/acces_aux_soins/variable/T3"


async def under_contract(payments: Payments) -> None:
    """Two years of taille 3; two demands of fifty, 200 € of 5 000, in the first."""
    signed = AciSigned(
        cpts_id="c1", aci_id="a", signed_on=date(2026, 4, 1), contract_years=(YEAR, SECOND)
    )
    second = TailleDetermined(
        cpts_id="c1", contract_year_starts_on=SECOND.starts_on, taille=3, population=1
    )
    said = [told(signed, "c1", 4), told(second, "c1", 5)]
    await payments.hear(MEMBERSHIP, [*contract("c1"), *said])
    assert (await payments.put(line_path("c1"), LINEAR)).is_success
    await payments.hear(INDICATORS, [figure("c1", 2, 1)])
    assert await payments.variable_cents("c1") == 200_00


async def validate(payments: Payments, value: int, indicator: str = DEMANDS) -> dict[str, Any]:
    path = f"{YEAR_PATH}/dialogue/lines/{indicator}"
    body = {"validated_value": value, "caisse_stance": "agrees"}
    answer = await payments.put(path, body, **LATER)
    assert answer.is_success, answer.text
    return dict(answer.json())


async def settled_year(payments: Payments) -> None:
    await under_contract(payments)
    assert (await payments.post(f"{YEAR_PATH}/dialogue", OPENING, **LATER)).is_success
    await validate(payments, 30)
    assert (await payments.post(f"{YEAR_PATH}/settlement", AGREED, **LATER)).is_success


async def money_is_sound(payments: Payments) -> None:
    found = await payments.get("/invariants")
    del found["figures_equal_facts"]  # the figures of these tests name no facts
    assert all(found.values()), found


async def balances(payments: Payments) -> dict[str, int]:
    found = (await payments.get("/ledger/balances"))["items"]
    return {one["account"]: one["balance_cents"] for one in found if one["balance_cents"]}


async def variable_dues(payments: Payments) -> list[tuple[str, str, int]]:
    found = (await payments.get("/cpts/c1/dues"))["items"]
    return [
        (one["starts_on"], one["due_id"], one["amount_cents"])
        for one in found
        if one["kind"] in ("variable", "adjustment")
    ]


async def test_the_estimate_takes_a_validated_value_and_settling_makes_it_due(
    payments: Payments,
) -> None:
    await under_contract(payments)
    await payments.post(f"{YEAR_PATH}/dialogue", OPENING, **LATER)
    await validate(payments, 30)
    assert await payments.variable_cents("c1") == 3_000_00, "the best level known"
    await payments.hear(INDICATORS, [figure("c1", 5, 2)])
    assert await payments.variable_cents("c1") == 3_000_00
    settled = await payments.post(f"{YEAR_PATH}/settlement", AGREED, **LATER)
    assert settled.json()["due_cents"] == 3_000_00
    assert settled.json()["settled"]["lines"][0]["figure_revision"] == 2
    found = await balances(payments)
    assert f"payable:c1:{YEAR.starts_on}" not in found, "its accruals are reversed"
    assert found["expense:aci:variable"] == 3_000_00
    assert await variable_dues(payments) == [(str(YEAR.starts_on), "variable", 3_000_00)]
    await money_is_sound(payments)


async def test_nothing_that_comes_later_moves_a_settled_year(payments: Payments) -> None:
    await settled_year(payments)
    estimates = await payments.get(f"{YEAR_PATH}/estimates")
    await payments.hear(INDICATORS, [figure("c1", 50, 3)])
    rate = {
        "rate_id": "new",
        "from_on": "2026-01-01",
        "taille": 3,
        "mission": "acces_aux_soins",
        "part": "variable",
        "amount_cents": 1,
        "text": "a test",
        "is_verified": False,
    }
    assert (await payments.post("/rates", rate, **LATER)).is_success
    assert await payments.get(f"{YEAR_PATH}/estimates") == estimates
    assert await payments.variable_cents("c1") == 3_000_00
    refused = await payments.put(line_path("c1"), LINEAR | {"target": 10}, **LATER)
    assert (refused.status_code, refused.json()["reason"]) == (409, "year_settled")
    explained = await payments.get(f"{YEAR_PATH}/explanation")
    assert explained["settled_on"] == "2027-05-03"
    assert "variable" in {one["due_id"] for one in explained["dues"]}
    await money_is_sound(payments)


async def test_a_corrected_value_is_adjusted_in_the_open_year_and_back_again(
    payments: Payments,
) -> None:
    await settled_year(payments)
    assert (await validate(payments, 40))["due_cents"] == 4_000_00
    assert (await validate(payments, 40))["due_cents"] == 4_000_00, "nothing new was said"
    assert (await validate(payments, 20))["due_cents"] == 2_000_00
    second = str(SECOND.starts_on)
    assert await variable_dues(payments) == [
        (str(YEAR.starts_on), "variable", 3_000_00),
        (second, "adjustment:1", 1_000_00),
        (second, "adjustment:2", -2_000_00),
    ]
    assert (await balances(payments))["expense:aci:adjustment"] == -1_000_00
    await money_is_sound(payments)


async def test_a_settled_sum_is_held_until_the_rate_of_its_envelope_is_confirmed(
    payments: Payments,
) -> None:
    await settled_year(payments)
    await validate(payments, 40)
    confirmation = {
        "rate_id": RATE,
        "amount_cents": 35_000_00,
        "text": "JO",
        "read_on": "2027-05-01",
        "confirmed_by": "agent-1",
    }
    before = await balances(payments)
    assert f"owed:c1:{YEAR.starts_on}" not in before
    assert (await payments.post("/rates/confirmations", confirmation, **LATER)).is_success
    found = await balances(payments)
    assert found[f"owed:c1:{YEAR.starts_on}"] == -3_000_00
    assert found[f"owed:c1:{SECOND.starts_on}"] == -1_000_00


@pytest.mark.parametrize(
    ("method", "path", "body", "reason"),
    [
        ("post", "/dialogue", {"opened_on": "2026-05-04"}, "year_not_over"),
        ("post", "/settlement", AGREED, "dialogue_not_open"),
        ("put", f"/dialogue/lines/{DOCTORS}", {}, "dialogue_not_open"),
    ],
)
async def test_an_order_on_a_dialogue_is_refused(
    payments: Payments, method: str, path: str, body: dict[str, Any], reason: str
) -> None:
    await payments.hear(MEMBERSHIP, contract("c1"))
    order = getattr(payments, method)
    answer = await order(f"{YEAR_PATH}{path}", body)
    assert (answer.status_code, answer.json()["reason"]) == (409, reason)
    answer = await order(f"{YEAR_PATH}{path}".replace("/c1/", "/c2/"), body)
    assert (answer.status_code, answer.json()["reason"]) == (404, "unknown_cpts")
    acting = {"Acting-Role": "cpts", "Acting-Cpts": "c1"}
    answer = await order(f"{YEAR_PATH}{path}", body, **acting)
    assert answer.status_code == 403


SAME = (
    "select cpts_id, starts_on, variable_cents from {schema}.account order by 1, 2",
    "select account, sum(amount_cents) from {schema}.ledger_entry group by 1 order by 1",
    "select cpts_id, starts_on, due_id, amount_cents, is_held from {schema}.due order by 1, 2, 3",
    "select * from {schema}.dialogue order by 1, 2",
    "select * from {schema}.dialogue_line order by 1, 2, 3",
    "select * from {schema}.settlement order by 1, 2",
    "select * from {schema}.adjustment order by 1, 2, 3",
)


async def test_a_settled_year_is_rebuilt_from_the_log(payments: Payments) -> None:
    await settled_year(payments)
    await validate(payments, 40)
    await payments.hear(INDICATORS, [figure("c1", 50, 3)])
    await payments.is_rebuilt(datetime(2027, 5, 3, 9, tzinfo=UTC), SAME)
