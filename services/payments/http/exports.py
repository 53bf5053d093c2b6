"""Files: batches of orders as JSON, CSV, XLSX and pain.001; the FEC of a CPTS."""

import asyncio
from collections.abc import Sequence
from typing import Any

from litestar import Request, Response, get

from services.messaging.database import Connection
from services.messaging.orders import Role, read_acting_cpts, read_role
from services.messaging.problems import Refused, not_found
from services.payments.domain.bank_accounts import BankAccount, account_on
from services.payments.domain.fec import (
    JOURNALS,
    fec_name,
    fec_rows,
    fec_text,
    missing_accounts,
)
from services.payments.domain.money_refusals import MoneyRefusal
from services.payments.http.asking import CptsId, EntryId, Year
from services.payments.http.bank_files import Payable, as_csv, as_xlsx, pain_001
from services.payments.http.batches import BatchAnswer, as_answer, payer_of
from services.payments.http.ordering import refused
from services.payments.http.tables import CSV_UTF8, XLSX, file_response
from services.payments.store import (
    associations,
    bank_accounts,
    inputs,
    ledger,
    payment_orders,
    tables,
)
from services.payments.store.payment_orders import ShownOrder

XML = "application/xml"
# A header holds no accents that every reader shows.
REMARK_WITHOUT_SIREN = "Nom de fichier sans SIREN : l'association de la CPTS n'en dit pas."


@get("/payment-batches/{file_name:str}")
async def show_batch(
    request: Request[Any, Any, Any], file_name: EntryId
) -> Response[BatchAnswer | bytes]:
    """A batch as it stands: `<batch_id>`, or that with `.csv`, `.xlsx`, or `.xml` for the bank.

    Only the bank's file has whole IBANs; it is for the caisse, which says so in `Acting-Role`.
    """
    return await _show(request, file_name)


@get("/cpts/{cpts_id:str}/payment-batches/{file_name:str}")
async def show_batch_of_cpts(
    request: Request[Any, Any, Any], cpts_id: CptsId, file_name: EntryId
) -> Response[BatchAnswer | bytes]:
    """A batch by which a CPTS pays its members, in the same forms; the bank's is for this CPTS."""
    return await _show(request, file_name, paying_cpts=cpts_id)


async def _show(
    request: Request[Any, Any, Any], file_name: str, *, paying_cpts: str | None = None
) -> Response[BatchAnswer | bytes]:
    batch_id, dot, form = file_name.partition(".")
    if dot and form not in ("csv", "xlsx", "xml"):
        raise not_found("Le fichier", file_name)
    if form == "xml":
        _refuse_another(request, paying_cpts)
    payer = payer_of(paying_cpts)
    async with (
        request.app.state.pool.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        shown = await payment_orders.shown_of_batch(connection, payer, batch_id)
        if not shown.orders:
            raise not_found("Le lot de virements", batch_id)
        if not form:
            return Response[BatchAnswer | bytes](as_answer(batch_id, shown))
        payables = await _payables(connection, shown.orders)
        if form == "csv":
            return _file(as_csv(payables), CSV_UTF8, file_name)
        if form == "xlsx":
            return _file(as_xlsx(payables, shown), XLSX, file_name)
        account = await _payer(connection, payer, shown.orders[0])
    # The check against the schema takes a second of computing.
    content = await asyncio.to_thread(pain_001, batch_id, payables, account)
    return _file(content, XML, file_name)


def _refuse_another(request: Request[Any, Any, Any], paying_cpts: str | None) -> None:
    """Raises `Refused` for who does not pay the batch: the caisse, or one CPTS."""
    role = read_role(request, {Role.CAISSE if paying_cpts is None else Role.CPTS})
    if read_acting_cpts(request, role) != paying_cpts:
        raise Refused("not_the_acting_cpts", "Ce lot est celui d'une autre CPTS.", status=403)


@get("/cpts/{cpts_id:str}/fec/{year:int}")
async def fec(request: Request[Any, Any, Any], cpts_id: CptsId, year: Year) -> Response[bytes]:
    """The fichier des écritures comptables of a CPTS for a civil year, as far as it is recorded.

    It is named `<SIREN>FEC<AAAAMMJJ>`, by the association of the CPTS and the year's last day;
    without a SIREN the name begins with `FEC`, and the header `Remark` says so in French.
    """
    chart = tables.chart_of_accounts()
    async with request.app.state.pool.acquire() as connection, connection.transaction():
        if await inputs.departement_of_cpts(connection, cpts_id) is None:
            raise not_found("La CPTS", cpts_id)
        entries = await ledger.entries_of_year(connection, cpts_id, year, JOURNALS)
        siren = await associations.siren_of(connection, cpts_id)
    missing = missing_accounts(entries, chart)
    if missing:
        raise refused(MoneyRefusal.ACCOUNT_NOT_IN_CHART, {"accounts": missing})
    content = fec_text(fec_rows(entries, chart)).encode()
    name = fec_name(siren, year)
    response = file_response(content, "text/plain; charset=utf-8", name)
    if siren is None:
        response.headers["Remark"] = REMARK_WITHOUT_SIREN
    return response


async def _payables(connection: Connection, orders: Sequence[ShownOrder]) -> list[Payable]:
    """The orders with the versions of accounts that they name, as they were confirmed.

    Raises `Refused` without one: a restore may have lost it, or its confirmation.
    """
    versions = await bank_accounts.versions(connection, {order.payee.owner for order in orders})
    known = {(one.owner, one.account_id, one.version): one for one in versions if one.confirmed_by}
    found = []
    for order in orders:
        key = (order.payee.owner, order.account_id, order.account_version)
        if key not in known:
            raise refused(MoneyRefusal.ACCOUNT_MISSING)
        found.append(Payable(order=order, account=known[key]))
    return found


async def _payer(connection: Connection, payer: str, order: ShownOrder) -> BankAccount:
    """The version of the payer's account that a batch names; the one in force on its day for a
    batch from before batches named it. Raises `Refused` without one.
    """
    own = await bank_accounts.versions(connection, [payer], order.payer_account_id)
    if order.payer_account_id is None:
        account = account_on(own, order.execute_on)
    else:
        named = (one for one in own if one.version == order.payer_account_version)
        account = next((one for one in named if one.confirmed_by), None)
    if account is None:
        raise refused(MoneyRefusal.ACCOUNT_MISSING)
    return account


def _file(content: bytes, media_type: str, file_name: str) -> Response[Any]:
    response = file_response(content, media_type, file_name)
    response.headers["Cache-Control"] = "no-store"
    return response


ROUTES = (show_batch, show_batch_of_cpts, fec)
