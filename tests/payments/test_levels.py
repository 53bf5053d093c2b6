"""Levels of figures, as the caisse sets them in indicators, and what they are worth here.

First the service's transactions, in any order, before and after the year is settled; then the
running service.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.events.payments import ContractLineSet, DialogueLineSet
from contracts.recorded import Cause
from contracts.topics import INDICATORS, MEMBERSHIP
from services.messaging.unit import Desk, Unit, open_unit
from services.payments import handlers
from services.payments.domain.refusals import Refusal
from services.payments.store import answers, ledger, levels
from tests.desks import empty
from tests.payments.owing import publish, rate
from tests.payments.served import (
    DEMANDS,
    DOCTORS,
    LINEAR,
    YEAR,
    Payments,
    contract,
    figure,
    level,
    line_path,
)
from tests.payments.test_two_transactions import meet

FIRST, LATER = datetime(2027, 5, 1, 9, tzinfo=UTC), datetime(2027, 5, 2, 9, tzinfo=UTC)


NAMES = (DEMANDS, DOCTORS)
SETTLED_AT = datetime(2027, 6, 1, 9, tzinfo=UTC)
ENVELOPE = 35_000_00
MONEY = ("ledger_sums_to_zero", "postings_sum_to_zero", "accounts_equal_postings")


@pytest.fixture
async def desk(migrated: Desk) -> Desk:
    await under_dialogue(migrated)
    return migrated


def at(said_at: datetime, name: str = "") -> Cause:
    return Cause(id=f"{name}{said_at.isoformat()}", recorded_at=said_at)


async def under_dialogue(desk: Desk) -> None:
    """A year that is over, with two lines of 2 000 € a step to ten, and its dialogue open."""
    await empty(desk)
    await publish(desk, [rate("acces_aux_soins", "variable", 35_000)])
    async with open_unit(desk) as unit:
        await handlers.on_membership(unit, contract("c1"))
    lines = [
        ContractLineSet(
            cpts_id="c1",
            contract_year_starts_on=YEAR.starts_on,
            mission="acces_aux_soins",
            indicator=name,
            mode="linear",
            max_cents=20_000_00,
            target=10,
        )
        for name in NAMES
    ]
    async with open_unit(desk) as unit:
        key = ("c1", YEAR.starts_on)
        await handlers.set_lines(unit, key, "95", lambda _: lines, at(FIRST, "lines"))
    async with open_unit(desk) as unit:
        opened = await handlers.open_dialogue(
            unit, "c1", YEAR.starts_on, FIRST.date(), at(FIRST, "open")
        )
        assert not isinstance(opened, Refusal)


async def order(desk: Desk, indicator: str, value: int | None, said_at: datetime) -> None:
    async with open_unit(desk) as unit:
        asked = DialogueLineSet(
            cpts_id="c1",
            contract_year_starts_on=YEAR.starts_on,
            indicator=indicator,
            validated_value=value,
        )
        found = await handlers.set_dialogue_line(unit, asked, at(said_at, f"{indicator}={value}"))
        assert not isinstance(found, Refusal)


async def hear(desk: Desk, *heard: Any) -> None:
    async with open_unit(desk) as unit:
        await handlers.on_indicators(unit, heard)


async def settle(unit: Unit) -> None:
    """Settles at what the account is worth when the order comes, if that is still so."""
    worth = await unit.connection.fetchval("select sum(variable_cents) from account")
    found = await handlers.settle_year(unit, "c1", YEAR.starts_on, int(worth), at(SETTLED_AT))
    assert not isinstance(found, Refusal) or found is Refusal.ANOTHER_SUM, found


async def worth_cents(desk: Desk) -> int:
    """What the account is estimated at; once the year is settled, what is due."""
    due = await desk.pool.fetchval(
        "select sum(amount_cents)::bigint from due where kind in ('variable', 'adjustment')"
    )
    if await desk.pool.fetchval("select count(*) from settlement"):
        return int(due or 0)
    return int(await desk.pool.fetchval("select variable_cents from account"))


async def money_is_sound(desk: Desk) -> bool:
    async with desk.pool.acquire() as connection:
        found = await answers.invariants(connection) | await ledger.invariants(connection)
    return all(found[name] for name in (*MONEY, "dues_equal_postings"))


def priced(values: dict[str, int]) -> int:
    return min(sum(2_000_00 * min(value, 10) for value in values.values()), ENVELOPE)


WORDS = st.lists(
    st.tuples(st.booleans(), st.sampled_from(NAMES), st.integers(0, 12)), min_size=2, max_size=8
)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data(), first=st.tuples(st.integers(0, 12), st.integers(0, 12)), words=WORDS)
async def test_what_was_validated_last_is_what_is_due_whenever_it_is_heard(
    migrated: Desk, data: st.DataObject, first: tuple[int, int], words: list[Any]
) -> None:
    """Words of the dialogue come in their order; those of indicators, and the settlement, do not
    wait for them.
    """
    await under_dialogue(migrated)
    for name, value in zip(NAMES, first, strict=True):
        await order(migrated, name, value, LATER)
    values, orders, heard = dict(zip(NAMES, first, strict=True)), [], []
    for place, (is_heard, name, value) in enumerate(words, start=1):
        said_at = LATER + timedelta(days=place)
        values[name] = value
        if is_heard:
            one = level("c1", "validated", value, place, indicator=name, said_at=said_at)
            heard.append(one)
        else:
            orders.append((name, value, said_at))
    again = data.draw(st.lists(st.sampled_from(heard), max_size=2) if heard else st.just([]))
    steps: list[Any] = [*["order"] * len(orders), *heard, *again, "settle"]
    coming = iter(orders)
    for step in data.draw(st.permutations(steps), label="arrivals"):
        if step == "order":
            await order(migrated, *next(coming))
        elif step == "settle":
            async with open_unit(migrated) as unit:
                await settle(unit)
            assert await migrated.pool.fetchval("select count(*) from settlement") == 1
        else:
            await hear(migrated, step)
    assert await worth_cents(migrated) == priced(values)
    assert await money_is_sound(migrated)


@pytest.mark.parametrize("is_swapped", [False, True], ids=["settled first", "heard first"])
async def test_of_a_validation_and_a_settlement_that_meet_the_second_sees_the_first(
    desk: Desk, is_swapped: bool
) -> None:
    """The settlement is refused, as another sum was agreed on; or the validation adjusts it."""
    for name in NAMES:
        await order(desk, name, 1, FIRST)

    async def validate(unit: Unit) -> None:
        heard = level("c1", "validated", 4, 1, said_at=LATER)
        await handlers.on_indicators(unit, [heard])

    works = (validate, settle) if is_swapped else (settle, validate)
    await meet(desk, *works)
    assert await desk.pool.fetchval("select count(*) from settlement") == (not is_swapped)
    assert await worth_cents(desk) == priced({DEMANDS: 4, DOCTORS: 1})
    assert await money_is_sound(desk)


async def test_a_value_that_the_dialogue_says_again_stands_before_what_was_heard_meanwhile(
    desk: Desk,
) -> None:
    await order(desk, DEMANDS, 3, FIRST)
    await hear(desk, level("c1", "validated", 5, 1, said_at=LATER))
    assert await worth_cents(desk) == 10_000_00
    await order(desk, DEMANDS, 3, LATER + timedelta(days=1))
    assert await worth_cents(desk) == 6_000_00
    await order(desk, DEMANDS, None, LATER + timedelta(days=2))
    assert await worth_cents(desk) == 0, "the dialogue says that no value holds"
    await hear(desk, level("c1", "validated", 4, 2, said_at=LATER + timedelta(days=3)))
    assert await worth_cents(desk) == 8_000_00


async def test_an_adjustment_by_a_level_is_of_its_day_and_not_before_the_settlement(
    desk: Desk,
) -> None:
    for name in NAMES:
        await order(desk, name, 1, FIRST)
    async with open_unit(desk) as unit:
        await settle(unit)
    await hear(desk, level("c1", "validated", 2, 1, said_at=LATER))
    after = datetime(2027, 7, 1, 9, tzinfo=UTC)
    await hear(desk, level("c1", "validated", 5, 1, indicator=DOCTORS, said_at=after))
    rows = await desk.pool.fetch(
        "select due_on, amount_cents from due where kind = 'adjustment' order by due_id"
    )
    assert [tuple(row) for row in rows] == [
        (SETTLED_AT.date(), 2_000_00),
        (date(2027, 7, 1), 8_000_00),
    ]


async def test_a_year_settled_at_nothing_is_adjusted_at_once_by_what_was_said_before(
    desk: Desk,
) -> None:
    for name in NAMES:
        await order(desk, name, 0, FIRST)
    async with open_unit(desk) as unit:
        await settle(unit)
    await hear(desk, level("c1", "validated", 4, 1, said_at=LATER))
    assert await worth_cents(desk) == priced({DEMANDS: 4})


@pytest.mark.parametrize("is_settled", [False, True])
async def test_levels_kept_during_a_restore_are_acted_upon_at_its_end(
    desk: Desk, is_settled: bool
) -> None:
    for name in NAMES:
        await order(desk, name, 1, FIRST)
    if is_settled:
        async with open_unit(desk) as unit:
            await settle(unit)
    async with open_unit(desk) as unit:
        await levels.put_levels(unit.connection, [level("c1", "validated", 4, 1, said_at=LATER)])
    assert await worth_cents(desk) == priced({DEMANDS: 1, DOCTORS: 1})
    for _ in range(2):
        part: str | None = ""
        while part is not None:
            async with open_unit(desk) as unit:
                part = await handlers.look_again(unit, at(SETTLED_AT, "again"), part)
        assert await worth_cents(desk) == priced({DEMANDS: 4, DOCTORS: 1})
    assert await money_is_sound(desk)
    if is_settled:
        said = await desk.pool.fetchval("select event->>'indicator' from adjustment")
        assert said == DEMANDS


# --- the running service ---

YEAR_PATH = f"/cpts/c1/contract-years/{YEAR.starts_on}"
AT = {"Order-Instant": datetime(2027, 5, 3, 9, tzinfo=UTC).isoformat()}


async def explained(payments: Payments) -> tuple[Any, ...]:
    (line,) = (await payments.get(f"{YEAR_PATH}/explanation"))["lines"]
    read = line["figure"]
    return read["value"], read["level"], read["live_value"], line["amount_cents"]


@pytest.fixture
async def counted(payments: Payments) -> Payments:
    """One line of 100 € a demand, ten of which are counted."""
    await payments.hear(MEMBERSHIP, contract("c1"))
    assert (await payments.put(line_path("c1"), LINEAR)).is_success
    await payments.hear(INDICATORS, [figure("c1", 10, 1)])
    return payments


async def test_the_estimate_takes_the_best_level_and_the_explanation_names_it(
    counted: Payments,
) -> None:
    assert await explained(counted) == (10, "live", 10, 1_000_00)
    await counted.hear(INDICATORS, [level("c1", "verified", 8, 1)])
    assert await explained(counted) == (8, "verified", 10, 800_00)
    await counted.hear(INDICATORS, [figure("c1", 11, 2)])
    assert await explained(counted) == (8, "verified", 11, 800_00), "until somebody looks again"
    await counted.hear(INDICATORS, [level("c1", "validated", 9, 2)])
    assert await explained(counted) == (9, "validated", 11, 900_00)
    visa = level("c1", "visa", 9, 3, validated_revision=2)
    await counted.hear(INDICATORS, [visa, visa])
    assert await explained(counted) == (9, "visa", 11, 900_00)
    items = (await counted.get(f"{YEAR_PATH}/estimates"))["items"]
    assert [
        (one["indicator"], one["variable_cents"], one["lines"][0]["level"])
        for one in items
        if one["reason"] == "level"
    ] == [
        (DEMANDS, 800_00, "verified"),
        (DEMANDS, 900_00, "validated"),
        (DEMANDS, 900_00, "visa"),
    ], "a level that is said twice is news once"
    found = await counted.get("/invariants")
    assert found["accounts_equal_postings"]


async def test_what_is_supposed_stands_before_what_was_validated(counted: Payments) -> None:
    await counted.hear(INDICATORS, [level("c1", "validated", 9, 1)])
    answer = await counted.post(f"{YEAR_PATH}/simulation", {"values": {DEMANDS: 50}})
    assert answer.json()["supposed"]["variable_cents"] == 5_000_00


async def settled(payments: Payments) -> None:
    opening = {"opened_on": "2027-05-01"}
    assert (await payments.post(f"{YEAR_PATH}/dialogue", opening, **AT)).is_success
    verified = level("c1", "verified", 8, 1, said_at=FIRST)
    await payments.hear(INDICATORS, [verified])
    refused = await payments.post(f"{YEAR_PATH}/settlement", {"variable_cents": 800_00}, **AT)
    assert refused.json()["reason"] == "values_missing", "verified is not validated"
    await payments.hear(INDICATORS, [level("c1", "validated", 9, 2, said_at=FIRST)])
    agreed = {"variable_cents": 900_00}
    answer = await payments.post(f"{YEAR_PATH}/settlement", agreed, **AT)
    assert answer.is_success, answer.text


async def test_a_year_is_settled_and_adjusted_by_what_is_validated_in_indicators(
    counted: Payments,
) -> None:
    await settled(counted)
    await counted.hear(INDICATORS, [level("c1", "validated", 12, 3, said_at=LATER)])
    found = await counted.get(f"{YEAR_PATH}/dialogue")
    assert (found["due_cents"], found["validated"]) == (1_200_00, {DEMANDS: 12})
    assert [(one["level"], one["value"]) for one in found["said"]] == [
        ("verified", 8),
        ("validated", 12),
    ]
    assert [one["level"] for one in found["settled"]["lines"]] == ["validated"]
    (adjusted,) = found["adjusted"]
    assert (adjusted["amount_cents"], adjusted["indicator"]) == (300_00, DEMANDS)


async def test_the_dialogue_shows_all_that_each_side_said_of_a_line_and_who(
    counted: Payments,
) -> None:
    opening = {"opened_on": "2027-05-01"}
    assert (await counted.post(f"{YEAR_PATH}/dialogue", opening, **AT)).is_success
    contested: dict[str, Any] = {"answer": "disagreed", "reason": "evidence_left_out"}
    contested |= {"evidence_ids": ("letter",), "said_by": "coord-7"}
    said = [
        level("c1", "verified", 8, 1, said_at=FIRST, ground="value_contested"),
        level("c1", "stance", 8, 2, said_at=FIRST + timedelta(hours=1), **contested),
        level("c1", "stance", 9, 3, said_at=FIRST + timedelta(hours=2), answer="agreed"),
    ]
    estimates = len((await counted.get(f"{YEAR_PATH}/estimates"))["items"])
    await counted.hear(INDICATORS, [said[2], said[1], said[0], said[1]])
    path, who = f"{YEAR_PATH}/dialogue/lines/{DEMANDS}", {"Acting-Person": "agent-3"}
    for value in (8, 9):
        line = {"validated_value": value, "caisse_stance": "evidence_to_check"}
        assert (await counted.put(path, line, **AT | who)).is_success
    found = await counted.get(f"{YEAR_PATH}/dialogue")
    told = ("level", "value", "by_role", "said_by", "answer", "reason", "ground", "evidence_ids")
    assert [tuple(one[name] for name in told) for one in found["remarks"]] == [
        ("verified", 8, "caisse", None, None, None, "value_contested", []),
        ("stance", 8, "cpts", "coord-7", "disagreed", "evidence_left_out", None, ["letter"]),
        ("stance", 9, "cpts", None, "agreed", None, None, []),
        ("dialogue", 8, "caisse", "agent-3", "evidence_to_check", None, None, []),
        ("dialogue", 9, "caisse", "agent-3", "evidence_to_check", None, None, []),
    ]
    assert [(one["cpts_stance"], one["said_by"]) for one in found["lines"]] == [
        ("agrees", "agent-3")
    ]
    assert found["standing"] == {DEMANDS: {"value": 9, "level": "validated", "answer": "agreed"}}
    agreed = {"variable_cents": 900_00}
    answer = await counted.post(f"{YEAR_PATH}/settlement", agreed, **AT)
    settled = answer.json()["settled"]
    assert (settled["without_agreement"], settled["without_visa"]) == ([], [DEMANDS])
    # One by the verified value and two by the orders: what the CPTS says of a value moves none.
    assert len((await counted.get(f"{YEAR_PATH}/estimates"))["items"]) == estimates + 3


SAME = (
    "select cpts_id, starts_on, variable_cents from {schema}.account order by 1, 2",
    "select account, sum(amount_cents) from {schema}.ledger_entry group by 1 order by 1",
    "select * from {schema}.adjustment order by 1, 2, 3",
    "select * from {schema}.figure_level order by 1, 2, 3, 5",
)


async def test_levels_and_what_they_led_to_are_rebuilt_from_the_log(counted: Payments) -> None:
    await settled(counted)
    await counted.hear(INDICATORS, [level("c1", "validated", 12, 3, said_at=LATER)])
    await counted.is_rebuilt(SETTLED_AT, SAME)
