"""What may be, and what was known: projections, the past explained."""

import random
from datetime import datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.topics import INDICATORS, MEMBERSHIP
from services.payments.domain.accounts import Account, Figure
from services.payments.domain.lines import Line
from services.payments.domain.projection import look_ahead, project
from tests.payments.served import (
    DEMANDS,
    LINEAR,
    NOW,
    YEAR,
    Payments,
    contract,
    figure,
    line_path,
)
from tests.payments.test_settlement import settled_year, validate

DEMANDS_LINE = Line(
    mission="acces_aux_soins", indicator=DEMANDS, mode="linear", max_cents=5_000_00, target=50
)
ACCOUNT = Account(
    cpts_id="c1",
    starts_on=YEAR.starts_on,
    departement="95",
    taille=3,
    lines=(DEMANDS_LINE,),
    figures={DEMANDS: Figure(value=10, revision=4)},
)


@pytest.mark.parametrize(
    ("value", "elapsed", "to_go", "low", "likely", "high"),
    [
        # a quarter of the year gone: 3 times as much to come, m = 301.5, deviation 34.7
        (100, 91, 273, 343, 400, 457),
        (0, 100, 100, 0, 0, 1),
        # the end of the year, and its eve
        (80, 365, 0, 80, 80, 80),
        (365, 364, 1, 365, 366, 367),
        (5, 0, 100, 5, 5, 5),
    ],
)
def test_a_flow_goes_on_as_it_came(
    value: int, elapsed: int, to_go: int, low: int, likely: int, high: int
) -> None:
    seen = project(value, elapsed, to_go)
    assert (seen.low, seen.likely, seen.high) == (low, likely, high)


@given(st.integers(0, 10**6), st.integers(1, 365), st.integers(0, 365))
def test_what_came_is_never_taken_back(value: int, elapsed: int, to_go: int) -> None:
    seen = project(value, elapsed, to_go)
    assert value <= seen.low <= seen.likely <= seen.high


def test_the_interval_holds_nine_times_in_ten() -> None:
    """Years of a steady flow, drawn by a fixed seed and seen from their hundredth day."""
    chance = random.Random(7)
    held = 0
    for _ in range(400):
        days = [sum(chance.random() < 0.2 for _ in range(3)) for _ in range(365)]
        seen = project(sum(days[:100]), 100, 265)
        held += seen.low <= sum(days) <= seen.high
    # the daily counts are binomial, a little steadier than Poisson
    assert held / 400 > 0.87


def test_a_state_is_projected_as_it_stands_and_the_euros_follow_each_line() -> None:
    down = Line(
        mission="acces_aux_soins",
        indicator="medecin_traitant_ald_sans",
        mode="linear",
        max_cents=4_000_00,
        baseline=200,
        target=100,
        is_lower_better=True,
    )
    account = msgspec.structs.replace(
        ACCOUNT,
        lines=(DEMANDS_LINE, down),
        figures={
            DEMANDS: Figure(value=10, revision=4),
            down.indicator: Figure(value=150, revision=1),
        },
    )
    seen_on = YEAR.starts_on + timedelta(days=182)
    outlook = look_ahead(
        account, {"acces_aux_soins": 35_000_00}, ends_on=YEAR.ends_on, today=seen_on
    )
    assert outlook.figures[down.indicator].high == 150
    # 10 demands in 183 of 365 days: 20 likely, 13 to 27
    assert outlook.likely.variable_cents == 2_000_00 + 2_000_00
    assert (outlook.low.variable_cents, outlook.high.variable_cents) == (3_300_00, 4_700_00)


async def test_a_projection_answers_and_keeps_nothing(payments: Payments) -> None:
    await payments.hear(MEMBERSHIP, contract("c1"))
    await payments.put(line_path("c1"), LINEAR)
    await payments.hear(INDICATORS, [figure("c1", 1, 1)])
    before = await payments.run.pool.fetchval("select count(*) from history")
    year = f"/cpts/c1/contract-years/{YEAR.starts_on}"
    seen = await payments.get(f"{year}/projection?on=2026-05-04")
    # one in 20 days: 18 at the end, as likely as not
    assert seen["figures"][DEMANDS]["likely"] == 18
    assert seen["likely"]["variable_cents"] == 1_800_00
    assert await payments.run.pool.fetchval("select count(*) from history") == before


async def test_an_amount_of_the_past_is_explained_as_it_was_known(payments: Payments) -> None:
    year = f"/cpts/c1/contract-years/{YEAR.starts_on}"
    await payments.hear(MEMBERSHIP, contract("c1"))
    await payments.put(line_path("c1"), LINEAR)
    await payments.hear(INDICATORS, [figure("c1", 1, 1)])
    then = datetime.fromisoformat("2026-05-05T00:00:00+00:00")
    later = {"Order-Instant": "2026-05-06T10:00:00+00:00"}
    await payments.put(line_path("c1"), LINEAR | {"max_cents": 10_000_00}, **later)
    rate_of_later = {
        "rate_id": "x",
        "from_on": "2026-04-01",
        "taille": 3,
        "mission": "acces_aux_soins",
        "part": "variable",
        "amount_cents": 150_00,
        "text": "un autre texte",
        "is_verified": True,
    }
    await payments.post("/rates", rate_of_later, **later)
    now = await payments.get(f"{year}/explanation")
    assert (now["variable_cents"], now["missions"][0]["rate"]["rate_id"]) == (150_00, "x")
    known = await payments.get(f"{year}/explanation?known_at={then:%Y-%m-%dT%H:%M:%SZ}")
    assert known["variable_cents"] == 100_00
    assert known["lines"][0]["line"]["max_cents"] == 5_000_00
    assert known["lines"][0]["facts"]["items"] == ["referral:1"]
    assert known["missions"][0]["rate"]["rate_id"] == "avenant-2/acces_aux_soins/variable/T3"
    before = f"{NOW - timedelta(days=9):%Y-%m-%dT%H:%M:%SZ}"
    assert (await payments.get(f"{year}/explanation?known_at={before}"))["variable_cents"] == 0
    naive = await payments.client.get(f"{year}/explanation?known_at=2026-05-05T00:00:00")
    assert naive.status_code == 400


async def test_what_was_due_and_settled_is_explained_as_it_was_known(payments: Payments) -> None:
    year = f"/cpts/c1/contract-years/{YEAR.starts_on}"

    async def explained(known_at: str) -> tuple[int, str | None, dict[str, bool]]:
        found = await payments.get(f"{year}/explanation?known_at={known_at}")
        dues = {one["due_id"]: one["is_held"] for one in found["dues"]}
        return found["variable_cents"], found["settled_on"], dues

    await settled_year(payments)
    await validate(payments, 40)
    confirmed = {
        "rate_id": "avenant-2/acces_aux_soins/variable/T3",
        "amount_cents": 35_000_00,
        "text": "JO",
        "read_on": "2027-05-01",
        "confirmed_by": "agent-1",
    }
    at = {"Order-Instant": "2027-06-01T10:00:00+00:00"}
    assert (await payments.post("/rates/confirmations", confirmed, **at)).is_success
    cents, settled_on, signed = await explained("2027-05-03T08:59:59Z")
    assert (cents, settled_on) == (200_00, None)
    assert signed, "what was due by the signature"
    assert "variable" not in signed
    assert await explained("2027-05-03T09:00:00Z") == (
        *(3_000_00, "2027-05-03"),
        signed | {"variable": True},
    )
    assert (await explained("2027-06-01T10:00:00Z"))[2] == signed | {"variable": False}
    # Of what is known now, the same as without an instant.
    now = await payments.get(f"{year}/explanation")
    assert (await payments.get(f"{year}/explanation?known_at=2027-07-01T00:00:00Z"))["dues"] == (
        now["dues"]
    )
