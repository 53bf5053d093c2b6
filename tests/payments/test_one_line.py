"""A line set by itself: what is wrong with the year's lines is told, and the line is set."""

from typing import Any

from contracts.topics import MEMBERSHIP
from tests.payments.served import YEAR, Payments, contract

PATH = f"/cpts/c1/contract-years/{YEAR.starts_on}/lines"


async def test_a_line_set_alone_is_told_what_is_wrong_with_the_years_lines(
    payments: Payments,
) -> None:
    await payments.hear(MEMBERSHIP, contract("c1"))
    line = {"mission": "acces_aux_soins", "mode": "all_or_nothing", "target": 1}

    async def wrong(line_id: str, cents: int, **more: Any) -> list[tuple[str | None, str]]:
        answer = await payments.put(f"{PATH}/{line_id}", line | {"max_cents": cents} | more)
        assert answer.is_success, answer.text
        return [(one["line_id"], one["reason"]) for one in answer.json()["wrong"]]

    assert await wrong("local_b", 35_000_00) == []
    assert await wrong("local_a", 1) == [(None, "envelope_exceeded")]
    # Of two that pay for one result, the one of the order is told of, whatever their ids.
    assert await wrong("a", 0, indicator="local_b") == [
        ("a", "lines_overlap"),
        (None, "envelope_exceeded"),
    ]
    assert await wrong("local_a", 1, is_withdrawn=True) == [("local_b", "lines_overlap")]
    assert await wrong("a", 0, indicator="local_b", is_withdrawn=True) == []
