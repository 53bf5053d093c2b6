"""What tests of payment do: sums fall due, accounts are confirmed, batches made and answered."""

from collections.abc import Collection
from datetime import date, datetime
from typing import Any

import httpx
from aiokafka import TopicPartition

from contracts.events.payments import DueSet
from contracts.recorded import Cause, Recorded, record
from services.messaging.database import Pool
from services.messaging.log import read_bounds
from services.messaging.replaying import open_reader, read_to_end
from services.messaging.unit import Desk, Unit, open_unit
from services.payments.store import postings
from tests.payments.served import NOW, YEAR, Payments, contract

IBANS = {"c1": "FR1420041010050500013M02606", "c2": "FR7630006000011234567890189"}
CAISSE_IBAN = "FR7610107001011234567890129"
RPPS, COLLEAGUE = "810002345675", "810002345683"
MEMBER_IBANS = {RPPS: "FR7630003030100002021690782", COLLEAGUE: "FR8730006000010000000001A22"}


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


async def set_dues(desk: Desk, *dues: DueSet, at: datetime = NOW) -> None:
    """Says, as payments itself does, that sums fall due."""
    async with open_unit(desk) as unit:
        await say_dues(unit, *dues, at=at)


async def say_dues(unit: Unit, *dues: DueSet, at: datetime = NOW) -> None:
    """Says in a transaction that sums fell due at an instant."""
    for due in dues:
        subject = f"{due.cpts_id}/{due.contract_year_starts_on.isoformat()}"
        last = await postings.last_sequence(unit.connection, subject)
        await unit.announce(
            record(
                [due],
                subject=subject,
                after_sequence=last,
                departement="95",
                occurred_at=at,
                cause=Cause(id=f"{subject}-{last}-{due.amount_cents}", recorded_at=at),
            )
        )


def acting(cpts_id: str) -> dict[str, str]:
    """The headers of an order that a CPTS gives."""
    return {"Acting-Role": "cpts", "Acting-Cpts": cpts_id}


async def confirm_account(
    payments: Payments, cpts_id: str, iban: str = "", *, rpps: str = ""
) -> None:
    """An account of the CPTS, of the caisse or of a professional, that two persons vouched for."""
    path = "/caisse/bank-accounts/a" if cpts_id == "caisse" else f"/cpts/{cpts_id}/bank-accounts/a"
    headers: dict[str, str] = {}
    if rpps:
        path, headers = account_path(cpts_id, rpps), acting(cpts_id)
    known = (IBANS | MEMBER_IBANS).get(rpps or cpts_id, CAISSE_IBAN)
    body = {"iban": iban or known, "holder": f"CPTS {cpts_id}, l'Été", "from_on": "2026-01-01"}
    proposed = await payments.put(path, body | {"acting_person": "anne"}, **headers)
    assert proposed.is_success, proposed.text
    confirmation = {"version": proposed.json()["version"], "acting_person": "bruno"}
    assert (await payments.post(f"{path}/confirmation", confirmation, **headers)).is_success


def account_path(cpts_id: str, rpps: str) -> str:
    """The account of a professional that a CPTS knows."""
    return f"/cpts/{cpts_id}/professionals/{rpps}/bank-accounts/a"


async def owe(payments: Payments, cpts_id: str, indemnity_id: str, **changes: Any) -> None:
    """An indemnity that a batch of the CPTS is to pay, unless it is changed."""
    body = {"rpps": RPPS, "kind": "indemnite", "function": "reunion", "minutes": 120}
    body |= {"amount_cents": 100_00, "paid_on": "2026-05-02", "is_paid_by_batch": True}
    path = f"/cpts/{cpts_id}/indemnities/{indemnity_id}"
    answer = await payments.put(path, body | changes, **acting(cpts_id))
    assert answer.is_success, answer.text


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


async def bodies_on_the_bus(payments: Payments) -> list[bytes]:
    """The body of every event that the service said, once all of them have left."""
    await payments.run.relayed()
    topic = payments.run.topics["payments"]
    partitions = [TopicPartition(topic.kafka_name, one) for one in range(topic.partitions)]
    async with open_reader(payments.run.settings) as consumer:
        bounds = await read_bounds(consumer, partitions)
    starts = {one: bounds[one].start for one in partitions}
    ends = {one: bounds[one].end for one in partitions}
    return [
        record.value
        async for records in read_to_end(payments.run.settings, starts, ends)
        for record in records
    ]


async def make_batch(payments: Payments, batch_id: str, *, by: str = "caisse", **more: Any) -> Any:
    """A batch by which the caisse, or a CPTS, pays."""
    path, headers = _of_payer(by)
    answer = await payments.post(path, {"batch_id": batch_id} | more, **headers)
    assert answer.is_success, answer.text
    return answer.json()


def _of_payer(payer: str) -> tuple[str, dict[str, str]]:
    if payer == "caisse":
        return "/payment-batches", {"Acting-Role": "caisse"}
    return f"/cpts/{payer}/payment-batches", acting(payer)


async def send_answers(
    payments: Payments,
    batch_id: str,
    *lines: tuple[str, str, str],
    by: str = "caisse",
    content: bytes = b"",
) -> httpx.Response:
    """The bank's CSV file: an order's id, its outcome and a reason a line."""
    path, headers = _of_payer(by)
    rows = [f"{order_id};{outcome};2026-05-06;{reason}" for order_id, outcome, reason in lines]
    text = "\n".join(["order_id;outcome;day;reason", *rows])
    return await payments.client.post(
        f"{path}/{batch_id}/answers",
        content=content or text.encode(),
        headers=headers | {"Content-Type": "text/csv"},
    )


async def balances(payments: Payments, journal: str = "payments") -> dict[str, int]:
    """The accounts of a journal, by default of the one that moves money, that are not at 0."""
    journals = (await payments.get(f"/ledger/trial-balance?journal={journal}"))["journals"]
    accounts = [one for each in journals for one in each["accounts"]]
    return {one["account"]: one["balance_cents"] for one in accounts if one["balance_cents"]}


def amounts(batch: Any) -> dict[str, int]:
    """The cents of the order of each CPTS, or professional."""
    orders = [one["order"] for one in batch["orders"]]
    return {one["rpps"] or one["cpts_id"]: one["amount_cents"] for one in orders}


def only_order(batch: Any) -> str:
    (one,) = batch["orders"]
    return str(one["order"]["order_id"])
