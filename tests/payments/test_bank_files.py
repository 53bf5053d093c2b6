"""Files of a batch: what the bank gets is whole and always the same, what people get is masked."""

import io
import logging
import re
from datetime import date
from decimal import Decimal
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sepaxml.validation import try_valid_xml

from contracts import topics
from services.payments.domain.bank_accounts import BankAccount
from services.payments.domain.orders_of_payment import BankLine
from services.payments.http.bank_answers import Unreadable, read_answers
from services.payments.http.bank_files import Payable, euros, pain_001
from services.payments.store.payment_orders import ShownOrder
from tests.payments.paying import (
    CAISSE_IBAN,
    COLLEAGUE,
    IBANS,
    MEMBER_IBANS,
    RPPS,
    account_path,
    acting,
    bodies_on_the_bus,
    columns_with,
    confirm_account,
    due_set,
    make_batch,
    owe,
    send_answers,
    set_dues,
    without_taille,
)
from tests.payments.served import Payments

CAISSE = {"Acting-Role": "caisse"}
STATUS = """<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"><CstmrPmtStsRpt>
<GrpHdr><MsgId>r1</MsgId><CreDtTm>2026-05-06T08:00:00</CreDtTm></GrpHdr>
<OrgnlGrpInfAndSts><OrgnlMsgId>b1</OrgnlMsgId></OrgnlGrpInfAndSts>
<OrgnlPmtInfAndSts><OrgnlPmtInfId>b1</OrgnlPmtInfId>{}</OrgnlPmtInfAndSts>
</CstmrPmtStsRpt></Document>"""
DONE = "<TxInfAndSts><OrgnlEndToEndId>{}</OrgnlEndToEndId><TxSts>{}</TxSts></TxInfAndSts>"
REJECTED = (
    "<TxInfAndSts><OrgnlEndToEndId>{}</OrgnlEndToEndId><TxSts>RJCT</TxSts>"
    "<StsRsnInf><Rsn><Cd>AC04</Cd></Rsn></StsRsnInf></TxInfAndSts>"
)


@pytest.fixture
async def batch(payments: Payments) -> Any:
    await payments.hear(topics.MEMBERSHIP, without_taille("c1") + without_taille("c2"))
    for owner in ("c1", "c2", "caisse"):
        await confirm_account(payments, owner)
    await set_dues(
        payments.run.desk, due_set("a", 1234_56), due_set("b", 10_00), due_set("a", 7, cpts_id="c2")
    )
    return await make_batch(payments, "b1", execute_on="2026-05-06")


async def file(payments: Payments, name: str, of: str = "", **headers: str) -> Any:
    return await payments.client.get(f"{of}/payment-batches/{name}", headers=headers)


@pytest.fixture
async def member_batch(payments: Payments) -> Any:
    await payments.hear(topics.MEMBERSHIP, without_taille("c1"))
    await confirm_account(payments, "c1")
    for rpps, cents in ((RPPS, 120_50), (COLLEAGUE, 7)):
        await confirm_account(payments, "c1", rpps=rpps)
        await owe(payments, "c1", f"i-{rpps}", rpps=rpps, amount_cents=cents)
    return await make_batch(payments, "b1", by="c1", execute_on="2026-05-06")


async def test_the_bank_gets_a_valid_message_and_the_same_each_time(
    payments: Payments, batch: Any
) -> None:
    answer = await file(payments, "b1.xml", **CAISSE)
    assert answer.status_code == 200, answer.text
    assert answer.content == (await file(payments, "b1.xml", **CAISSE)).content
    try_valid_xml(answer.content, "pain.001.001.09")
    found = {
        name: re.findall(f"<(?:ns0:)?{name}[^>]*>([^<]*)<", answer.text)
        for name in ("MsgId", "CtrlSum", "NbOfTxs", "InstdAmt", "IBAN", "EndToEndId", "Dt")
    }
    assert found["MsgId"] == ["b1"]
    assert found["CtrlSum"] == ["1244.63"] * 2
    assert found["NbOfTxs"] == ["2"] * 2
    assert found["InstdAmt"] == ["1244.56", "0.07"]
    assert found["IBAN"] == [CAISSE_IBAN, *IBANS.values()]
    assert found["Dt"] == ["2026-05-06"]
    assert found["EndToEndId"] == [one["order"]["order_id"] for one in batch["orders"]]


async def test_only_the_caisse_gets_the_banks_file(payments: Payments, batch: Any) -> None:
    assert (await file(payments, "b1.xml")).status_code == 400
    assert (await file(payments, "b1.xml", "/cpts/c1", **acting("c1"))).status_code == 404
    as_cpts = {"Acting-Role": "cpts", "Acting-Cpts": "c1"}
    assert (await file(payments, "b1.xml", **as_cpts)).status_code == 403
    assert (await file(payments, "none.xml", **CAISSE)).status_code == 404
    assert (await file(payments, "b1.exe")).status_code == 404


async def test_a_cpts_pays_its_members_from_its_own_account_to_theirs(
    payments: Payments, member_batch: Any
) -> None:
    answer = await file(payments, "b1.xml", "/cpts/c1", **acting("c1"))
    again = await file(payments, "b1.xml", "/cpts/c1", **acting("c1"))
    assert answer.content == again.content
    try_valid_xml(answer.content, "pain.001.001.09")
    found = {
        name: re.findall(f"<(?:ns0:)?{name}[^>]*>([^<]*)<", answer.text)
        for name in ("CtrlSum", "InstdAmt", "IBAN", "EndToEndId", "Ustrd")
    }
    order_ids = [one["order"]["order_id"] for one in member_batch["orders"]]
    assert found == {
        "CtrlSum": ["120.57"] * 2,
        "InstdAmt": ["120.50", "0.07"],
        "IBAN": [IBANS["c1"], *MEMBER_IBANS.values()],
        "EndToEndId": order_ids,
        "Ustrd": [f"Indemnites CPTS {order_id}" for order_id in order_ids],
    }


async def test_only_the_cpts_that_pays_gets_the_banks_file(
    payments: Payments, member_batch: Any
) -> None:
    assert (await file(payments, "b1.xml", "/cpts/c1")).status_code == 400
    assert (await file(payments, "b1.xml", "/cpts/c1", **CAISSE)).status_code == 403
    another = await file(payments, "b1.xml", "/cpts/c1", **acting("c2"))
    assert (another.status_code, another.json()["reason"]) == (403, "not_the_acting_cpts")
    assert (await file(payments, "b1.xml", "/cpts/c2", **acting("c2"))).status_code == 404
    assert (await file(payments, "b1.xml", **CAISSE)).status_code == 404


async def test_people_read_orders_to_members_in_a_spreadsheet_without_ibans(
    payments: Payments, member_batch: Any
) -> None:
    text = (await file(payments, "b1.csv", "/cpts/c1")).content.decode("utf-8-sig")
    head, first, _ = text.splitlines()
    assert head.split(";")[:2] == ["virement", "rpps"]
    assert [first.split(";")[1], first.split(";")[4]] == [RPPS, "120,50"]
    workbook = (await file(payments, "b1.xlsx", "/cpts/c1")).content
    book = openpyxl.load_workbook(io.BytesIO(workbook))
    rows = [[cell.value for cell in row] for row in book["Sommes"].iter_rows()]
    assert [row[1:] for row in rows[1:]] == [
        [RPPS, f"i-{RPPS}", "reunion", 1, 120.5],
        [COLLEAGUE, f"i-{COLLEAGUE}", "reunion", 1, 0.07],
    ]
    for iban in MEMBER_IBANS.values():
        assert iban not in text
        assert iban[-4:] in text


async def test_people_read_the_orders_in_a_spreadsheet_without_ibans(
    payments: Payments, batch: Any
) -> None:
    text = (await file(payments, "b1.csv")).content.decode("utf-8-sig")
    assert "1244,56" in text
    workbook = (await file(payments, "b1.xlsx")).content
    book = openpyxl.load_workbook(io.BytesIO(workbook))
    rows = [[cell.value for cell in row] for sheet in book for row in sheet.iter_rows()]
    assert [row[4] for row in rows[1:3]] == [1244.56, 0.07]
    assert [row[3:5] for row in rows if row[3] == "b"] == [["b", "acces_aux_soins"]]
    for iban in IBANS.values():
        assert iban not in text + str(rows)
        assert iban[-4:] in text


async def test_what_a_pain_002_says_is_taken_once(payments: Payments, batch: Any) -> None:
    first, second = (one["order"]["order_id"] for one in batch["orders"])
    content = STATUS.format(DONE.format(first, "ACSC") + REJECTED.format(second)).encode()
    assert (await send_answers(payments, "b1", content=content)).json()["changes"] == 2
    assert (await send_answers(payments, "b1", content=content)).json()["changes"] == 0
    shown = await payments.get("/payment-batches/b1")
    assert [(one["order"]["state"], one["order"]["reason"]) for one in shown["orders"]] == [
        ("executed", None),
        ("rejected", "AC04"),
    ]


async def test_without_an_account_of_the_caisse_nothing_is_ordered(payments: Payments) -> None:
    answer = await payments.post("/payment-batches", {"batch_id": "b1"})
    assert answer.json()["reason"] == "account_missing"


async def test_another_account_of_the_caisse_changes_no_batch_that_was_ordered(
    payments: Payments, batch: Any
) -> None:
    before = (await file(payments, "b1.xml", **CAISSE)).content
    await confirm_account(payments, "caisse", iban=IBANS["c1"])
    assert (await file(payments, "b1.xml", **CAISSE)).content == before


async def test_a_batch_that_names_no_account_of_the_caisse_is_paid_from_the_one_of_its_day(
    payments: Payments, batch: Any
) -> None:
    before = (await file(payments, "b1.xml", **CAISSE)).content
    await payments.run.pool.execute(
        "update payment_order set payer_account_id = null, payer_account_version = null"
    )
    assert (await file(payments, "b1.xml", **CAISSE)).content == before


@pytest.mark.parametrize(("whose", "owner"), [("c1", "cpts:c1"), ("caisse", "caisse")])
async def test_after_a_restore_an_order_pays_the_account_that_it_names_or_none(
    payments: Payments, batch: Any, whose: str, owner: str
) -> None:
    """The log brings orders back; accounts are as old as the backup."""
    before = (await file(payments, "b1.xml", **CAISSE)).content
    await _lose(payments, "bank_account_confirmation", owner)
    unconfirmed = await file(payments, "b1.xml", **CAISSE)
    assert unconfirmed.json()["reason"] == "account_missing"
    await confirm_account(payments, whose)
    assert (await file(payments, "b1.xml", **CAISSE)).content == before

    await _lose(payments, "bank_account_confirmation", owner)
    await _lose(payments, "bank_account", owner)
    await confirm_account(payments, whose, iban=MEMBER_IBANS[RPPS])
    lost = await file(payments, "b1.xml", **CAISSE)
    assert lost.json()["reason"] == "account_missing"


async def _lose(payments: Payments, table: str, owner: str) -> None:
    """What an owner has in a table is not in the backup."""
    pool = payments.run.pool
    await pool.execute(f"alter table {table} disable trigger only_grows")
    await pool.execute(f"delete from {table} where owner = $1", owner)
    await pool.execute(f"alter table {table} enable trigger only_grows")


async def test_no_iban_leaves_its_table_but_in_the_banks_file(
    payments: Payments, batch: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    answers = [await file(payments, f"b1{form}", **CAISSE) for form in ("", ".csv", ".xml")]
    order_id = batch["orders"][0]["order"]["order_id"]
    answers.append(await send_answers(payments, "b1", (order_id, "executed", "")))
    assert [IBANS["c1"] in answer.text for answer in answers] == [False, False, True, False]
    await assert_kept_in_its_table_alone(payments, IBANS["c1"])
    assert IBANS["c1"] not in caplog.text


async def test_no_iban_of_a_professional_leaves_its_table_but_in_the_banks_file(
    payments: Payments, member_batch: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    path, iban = account_path("c1", RPPS), MEMBER_IBANS[RPPS]
    answers = [
        await file(payments, f"b1{form}", "/cpts/c1", **acting("c1"))
        for form in (".xml", "", ".csv")
    ]
    order_id = member_batch["orders"][0]["order"]["order_id"]
    account = {"iban": iban, "holder": "<>", "from_on": "2026-01-01", "acting_person": "anne"}
    answers += [
        await send_answers(payments, "b1", (order_id, "executed", ""), by="c1"),
        await payments.client.get(path.removesuffix("/a")),
        await payments.put(path, account, **acting("c1")),
        await payments.put(path, account | {"holder": "Dr X", "iban": iban + "0"}, **acting("c1")),
        await payments.client.get("/cpts/c1/fec/2026"),
    ]
    assert [iban in answer.text for answer in answers] == [True] + [False] * 7
    await assert_kept_in_its_table_alone(payments, iban)
    assert iban not in caplog.text


async def assert_kept_in_its_table_alone(payments: Payments, iban: str) -> None:
    assert await columns_with(payments.run.pool, [iban]) == {("bank_account", "iban")}
    said = await bodies_on_the_bus(payments)
    assert any(b"PaymentExecuted" in body for body in said)
    assert not any(iban.encode() in body for body in said)


def test_a_transaction_that_is_under_way_is_no_answer_yet() -> None:
    content = STATUS.format(DONE.format("vir-1", "ACSP") + DONE.format("vir-2", "ACCC"))
    assert read_answers(content.encode()) == [
        BankLine(order_id="vir-2", outcome="executed", day=date(2026, 5, 6))
    ]


# Not known, not of characters, or of characters that no bank writes.
ENCODINGS = ("nope", "shift_jis", "utf-7", "utf-32", "idna", "hex")


@pytest.mark.parametrize(
    "content",
    [
        b"<Document/>",
        b"<Document",
        b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
        '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE a [<!ENTITY x "y">]><a/>'.encode(
            "utf-16"
        ),
        *(f'<?xml version="1.0" encoding="{name}"?><a/>'.encode() for name in ENCODINGS),
        b"order_id;outcome;day;reason\nvir-1;executed;9999-12-31;\n",
        b"",
        b"\xff\xfe",
        b"order_id;outcome\n",
        STATUS.format(DONE.format("", "ACSC")).encode(),
    ],
)
def test_a_file_that_is_none_is_not_read(content: bytes) -> None:
    with pytest.raises(Unreadable):
        read_answers(content)


holders = st.from_regex(r"\A[A-Za-zÀ-ÖØ-öø-ÿ0-9][A-Za-zÀ-ÖØ-öø-ÿ0-9 '&().,/+:?-]{1,69}\Z")


def account(owner: str, iban: str, holder: str) -> BankAccount:
    return BankAccount(
        owner=owner,
        account_id="a",
        version=1,
        iban=iban,
        holder=holder,
        from_on=date(2026, 1, 1),
        to_on=None,
        proposed_by="anne",
        confirmed_by="bruno",
    )


@settings(max_examples=25, deadline=None)  # the schema is read anew each time
@given(
    holders,
    st.lists(st.integers(1, 10**11 - 1), min_size=1, max_size=3),
    st.sampled_from([None, RPPS]),
)
def test_any_holder_and_any_amount_give_a_valid_message(
    holder: str, amounts: list[int], rpps: str | None
) -> None:
    payables = [
        Payable(
            order=ShownOrder(
                order_id=f"vir-{place}",
                batch_id="b1",
                cpts_id="c1",
                rpps=rpps,
                sequence=place,
                amount_cents=amount_cents,
                account_id="a",
                account_version=1,
                payer_account_id="a",
                payer_account_version=1,
                ordered_on=date(2026, 5, 4),
                execute_on=date(2026, 5, 6),
                state="ordered",
                answered_on=None,
                reason=None,
            ),
            account=account("cpts:c1", IBANS["c1"], holder),
        )
        for place, amount_cents in enumerate(amounts)
    ]
    content = pain_001("b1", payables, account("caisse", CAISSE_IBAN, holder)).decode()
    total = f"{euros(sum(amounts)):.2f}"
    assert content.count(f">{total}<") >= 2
    assert "&amp;" not in content


@given(st.integers(-(10**12), 10**12))
def test_euros_are_exact(amount_cents: int) -> None:
    assert euros(amount_cents) * 100 == Decimal(amount_cents)
