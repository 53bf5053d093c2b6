"""A sanitary crisis that the ARS recognises: who says so, what it opens, what is refused."""

from datetime import date
from typing import Any

import pytest

from contracts.events.payments import CrisisRecorded
from contracts.topics import MEMBERSHIP
from services.payments.domain.dues_crises import record_crisis
from services.payments.domain.refusals import Refusal
from tests.payments.served import YEAR, Payments, contract

PATH = "/cpts/c1/crises/canicule"
BODY = {"recognised_on": "2026-05-04"}
ARS = {"Acting-Role": "ars"}
FIRST = date(2026, 4, 15)


async def crisis_cents(payments: Payments) -> list[int]:
    found = (await payments.get("/cpts/c1/dues"))["items"]
    return [one["amount_cents"] for one in found if one["due_id"] == "crise_reconnue:canicule"]


async def test_a_recognised_crisis_is_due_until_it_is_withdrawn(payments: Payments) -> None:
    await payments.hear(MEMBERSHIP, contract("c1"))
    assert (await payments.put(PATH, BODY)).status_code == 403, "the ARS alone says so"
    for _ in range(2):
        assert (await payments.put(PATH, BODY, **ARS)).is_success
        assert await crisis_cents(payments) == [67_500_00]
    withdrawn = BODY | {"is_withdrawn": True}
    assert (await payments.put(PATH, withdrawn, **ARS)).is_success
    assert await crisis_cents(payments) == [0]
    assert (await payments.get("/invariants"))["dues_equal_postings"]
    said = await payments.run.pool.fetchval(
        "select count(*) from history where event->>'type' = 'payments.CrisisRecorded.v1'"
    )
    assert said == 2, "what says nothing new is not said"


async def test_a_crisis_of_a_cpts_that_is_not_known_is_refused(payments: Payments) -> None:
    answer = await payments.put(PATH, BODY, **ARS)
    assert (answer.status_code, answer.json()["reason"]) == (404, "unknown_cpts")


async def test_an_id_is_no_sentence(payments: Payments) -> None:
    await payments.hear(MEMBERSHIP, contract("c1"))
    answer = await payments.put("/cpts/c1/crises/Madame%20Durand", BODY, **ARS)
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("day", "present", "today", "expected"),
    [
        (date(2026, 5, 5), None, date(2026, 5, 4), Refusal.RECOGNISED_IN_THE_FUTURE),
        (date(2026, 4, 14), None, date(2026, 5, 4), Refusal.UNKNOWN_CONTRACT_YEAR),
        (date(2026, 4, 14), FIRST, date(2026, 5, 4), Refusal.ANOTHER_CONTRACT_YEAR),
        (date(2026, 4, 15), FIRST, date(2026, 5, 4), None),
        (date(2027, 4, 14), None, date(2028, 1, 1), None),
    ],
)
def test_a_crisis_lies_in_a_contract_year_and_stays_in_it(
    day: date, present: date | None, today: date, expected: Refusal | None
) -> None:
    values: dict[str, Any] = {"cpts_id": "c1", "crisis_id": "k", "recognised_on": FIRST}
    found = record_crisis(
        "c1",
        "k",
        day,
        is_withdrawn=False,
        years=[(YEAR.starts_on, YEAR.ends_on)],
        present=CrisisRecorded(contract_year_starts_on=present, **values) if present else None,
        today=today,
    )
    assert (found if isinstance(found, Refusal) else None) is expected
