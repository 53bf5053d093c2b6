"""What tests of payment do: sums fall due, accounts are confirmed, batches made and answered."""

from collections.abc import Collection
from datetime import date
from typing import Any

import httpx

from contracts.events.payments import DueSet
from contracts.recorded import Cause, Recorded, record
from services.messaging.database import Pool
from services.messaging.unit import Desk, open_unit
from services.payments.store import postings
from tests.payments.served import NOW, YEAR, Payments, contract

IBANS = {"c1": "FR1420041010050500013M02606", "c2": "FR7630006000011234567890189"}
CAISSE_IBAN = "FR7610107001011234567890129"


def without_taille(cpts_id: str) -> list[Recorded[Any]]:
    """A CPTS under contract to which nothing falls due by itself: no rate without a taille."""
    return contract(cpts_id)[:2]


def due_set(
    due_id: str,
    amount_cents: int,
    *,
    cpts_id: str = "c1",
    due_on: date = date(2026, 5, 1),
    is_held: bool = False,
    starts_on: date = YEAR.starts_on,
) -> DueSet:
    return DueSet(
        cpts_id=cpts_id,
        contract_year_starts_on=starts_on,
        due_id=due_id,
        kind="fixe",
        amount_cents=amount_cents,
        due_on=due_on,
        is_held=is_held,
        mission="acces_aux_soins",
        explanation="75 % x 9000000 x 6/12",
    )


async def set_dues(desk: Desk, *dues: DueSet) -> None:
    """Says, as payments itself does, that sums fall due."""
    async with open_unit(desk) as unit:
        for due in dues:
            subject = f"{due.cpts_id}/{due.contract_year_starts_on.isoformat()}"
            last = await postings.last_sequence(unit.connection, subject)
            await unit.announce(
                record(
                    [due],
                    subject=subject,
                    after_sequence=last,
                    departement="95",
                    occurred_at=NOW,
                    cause=Cause(id=f"{subject}-{last}-{due.amount_cents}", recorded_at=NOW),
                )
            )


async def confirm_account(payments: Payments, cpts_id: str, iban: str = "") -> None:
    """An account of the CPTS, or of the caisse, that two persons vouched for."""
    path = "/caisse/bank-accounts/a" if cpts_id == "caisse" else f"/cpts/{cpts_id}/bank-accounts/a"
    body = {"iban": iban or IBANS.get(cpts_id, CAISSE_IBAN), "holder": f"CPTS {cpts_id}, l'Été"}
    proposed = await payments.put(path, body | {"from_on": "2026-01-01", "acting_person": "anne"})
    assert proposed.is_success, proposed.text
    confirmation = {"version": proposed.json()["version"], "acting_person": "bruno"}
    assert (await payments.post(f"{path}/confirmation", confirmation)).is_success


async def columns_with(pool: Pool, texts: Collection[str]) -> set[tuple[str, str]]:
    """The columns of a database that hold one of these texts."""
    found = set()
    for table, column in await pool.fetch(
        "select table_name, column_name from information_schema.columns "
        "where table_schema = 'public'"
    ):
        for (value,) in await pool.fetch(f'select "{column}" from "{table}"'):
            said = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
            if any(text in said for text in texts):
                found.add((table, column))
    return found


async def make_batch(payments: Payments, batch_id: str, **more: Any) -> Any:
    answer = await payments.post("/payment-batches", {"batch_id": batch_id} | more)
    assert answer.is_success, answer.text
    return answer.json()


async def send_answers(
    payments: Payments, batch_id: str, *lines: tuple[str, str, str], content: bytes = b""
) -> httpx.Response:
    """The bank's CSV file: an order's id, its outcome and a reason a line."""
    rows = [f"{order_id};{outcome};2026-05-06;{reason}" for order_id, outcome, reason in lines]
    text = "\n".join(["order_id;outcome;day;reason", *rows])
    return await payments.client.post(
        f"/payment-batches/{batch_id}/answers",
        content=content or text.encode(),
        headers={"Acting-Role": "caisse", "Content-Type": "text/csv"},
    )


def amounts(batch: Any) -> dict[str, int]:
    """The cents of each CPTS's order."""
    return {one["order"]["cpts_id"]: one["order"]["amount_cents"] for one in batch["orders"]}


def only_order(batch: Any) -> str:
    (one,) = batch["orders"]
    return str(one["order"]["order_id"])
