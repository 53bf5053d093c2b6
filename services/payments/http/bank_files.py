"""A batch of orders as files: pain.001 for the bank, CSV and XLSX for people, IBANs masked there.

The same batch gives the same pain.001 whenever it is asked for, message id included, so that a bank
which gets it twice sees that it is one. Amounts are decimal euros here, and nowhere else.
"""

from collections.abc import Sequence
from datetime import date, datetime, time
from decimal import Decimal
from xml.etree import ElementTree as ET

import msgspec
import schwifty
from sepaxml import SepaTransfer
from sepaxml.validation import ValidationError, try_valid_xml

from services.payments.domain.bank_accounts import BankAccount, masked
from services.payments.http.tables import Cell, csv_file, workbook
from services.payments.store.payment_orders import Shown, ShownIndemnity, ShownLine, ShownOrder

SCHEMA = "pain.001.001.09"
NAMESPACE = f"{{urn:iso:std:iso:20022:tech:xsd:{SCHEMA}}}"
STATES = {
    "ordered": "ordonné",
    "executed": "payé",
    "rejected": "rejeté",
    "refunded": "retourné",
}
ORDERS_HEAD = (
    *("titulaire", "iban", "montant_eur"),
    *("ordonne_le", "execution_le", "etat", "repondu_le", "motif"),
)
INDEMNITIES_HEAD = ("virement", "rpps", "indemnite", "fonction", "tranche", "montant_eur")
DUES_HEAD = ("virement", "cpts", "annee_de_contrat", "somme", "mission", "tranche", "montant_eur")


class UnsoundFileError(RuntimeError):
    """A file for the bank is not as its schema wants it."""


class Payable(msgspec.Struct, frozen=True, kw_only=True):
    """An order with the account that it names."""

    order: ShownOrder
    account: BankAccount


def euros(amount_cents: int) -> Decimal:
    """Cents as euros with two decimals, exactly."""
    return Decimal(amount_cents).scaleb(-2)


def pain_001(batch_id: str, payables: Sequence[Payable], payer: BankAccount) -> bytes:
    """The message for the bank, valid against its schema.

    Raises `UnsoundFileError`, which repeats nothing of it: errors are logged, IBANs never.
    """
    config: dict[str, object] = {"name": _plain(payer.holder), "IBAN": payer.iban}
    transfer = SepaTransfer(
        config | {"batch": True, "currency": "EUR"} | _bic(payer.iban), schema=SCHEMA
    )
    for one in payables:
        payment: dict[str, object] = {
            "name": _plain(one.account.holder),
            "IBAN": one.account.iban,
            "amount": one.order.amount_cents,
            "execution_date": one.order.execute_on,
            "description": f"{_why(one.order)} CPTS {one.order.order_id}",
            "endtoend_id": one.order.order_id,
        }
        transfer.add_payment(payment | _bic(one.account.iban))
    content = _as_always(transfer.export(validate=False), batch_id, payables[0].order.ordered_on)
    try:
        try_valid_xml(content, SCHEMA)
    except ValidationError:
        raise UnsoundFileError(f"the batch {batch_id} gives no valid {SCHEMA}") from None
    return content


def _as_always(content: bytes, batch_id: str, ordered_on: date) -> bytes:
    """The message with ids and an instant of the batch, where the library puts chance and now."""
    root = ET.fromstring(content)  # noqa: S314 - our own message
    for path, words in (
        ("GrpHdr/MsgId", batch_id),
        ("GrpHdr/CreDtTm", datetime.combine(ordered_on, time()).isoformat()),
        ("PmtInf/PmtInfId", batch_id),
    ):
        whole = "/".join(f"{NAMESPACE}{step}" for step in ("CstmrCdtTrfInitn", *path.split("/")))
        found = root.find(whole)
        assert found is not None, f"{SCHEMA} has {path}"
        found.text = words
    for institution in root.iter(f"{NAMESPACE}FinInstnId"):
        if not len(institution):  # the payer's bank is unknown to the table of BICs
            other = ET.SubElement(institution, f"{NAMESPACE}Othr")
            ET.SubElement(other, f"{NAMESPACE}Id").text = "NOTPROVIDED"
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))


def _bic(iban: str) -> dict[str, str]:
    """The BIC of the account's bank, where the public table knows it."""
    bic = schwifty.IBAN(iban).bic
    return {} if bic is None else {"BIC": str(bic)}


def _why(order: ShownOrder) -> str:
    """What the payee reads on their statement of account, in the characters that banks accept."""
    return "ACI" if order.rpps is None else "Indemnites"


def _plain(holder: str) -> str:
    """A name in the characters that banks accept; the library takes the accents away."""
    return holder.replace("&", "et")


def orders_head(payables: Sequence[Payable]) -> tuple[str, ...]:
    """The columns of the orders of a batch: it pays CPTS, or professionals."""
    return ("virement", "cpts" if payables[0].order.rpps is None else "rpps", *ORDERS_HEAD)


def order_rows(payables: Sequence[Payable]) -> list[tuple[Cell, ...]]:
    """The orders as people read them."""
    return [
        (
            one.order.order_id,
            one.order.rpps or one.order.cpts_id,
            one.account.holder,
            masked(one.account.iban),
            euros(one.order.amount_cents),
            one.order.ordered_on,
            one.order.execute_on,
            STATES[one.order.state],
            one.order.answered_on,
            one.order.reason,
        )
        for one in payables
    ]


def due_rows(lines: Sequence[ShownLine]) -> list[tuple[Cell, ...]]:
    """What each order settles, sum by sum."""
    return [
        (
            line.order_id,
            line.cpts_id,
            line.starts_on,
            line.due_id,
            line.mission,
            line.tranche,
            euros(line.amount_cents),
        )
        for line in lines
    ]


def indemnity_rows(lines: Sequence[ShownIndemnity]) -> list[tuple[Cell, ...]]:
    """What each order to a professional settles, entry by entry."""
    return [
        (
            line.order_id,
            line.rpps,
            line.indemnity_id,
            line.function,
            line.tranche,
            euros(line.amount_cents),
        )
        for line in lines
    ]


def as_csv(payables: Sequence[Payable]) -> bytes:
    """The orders for a French spreadsheet."""
    return csv_file(order_rows(payables), orders_head(payables))


def as_xlsx(payables: Sequence[Payable], shown: Shown) -> bytes:
    """A workbook of two sheets: the orders, and what each settles."""
    settled = (
        (INDEMNITIES_HEAD, indemnity_rows(shown.indemnities))
        if shown.indemnities
        else (DUES_HEAD, due_rows(shown.dues))
    )
    return workbook({"Virements": (orders_head(payables), order_rows(payables)), "Sommes": settled})
