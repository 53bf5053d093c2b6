"""The statement of a contract year, as a PDF that a treasurer signs."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import typst
from litestar import Request, Response, get

from contracts.departements import DEPARTEMENTS
from services.messaging.problems import not_found
from services.payments.domain.statement import statement
from services.payments.http.asking import CptsId, Day
from services.payments.http.ordering import paris_day
from services.payments.store import inputs, settlement, statements

TEMPLATE = (Path(__file__).parent.parent / "statement.typ").read_bytes()
NAMES = {one.code: f"{one.code} {one.name}" for one in DEPARTEMENTS}


@get("/cpts/{cpts_id:str}/contract-years/{starts_on:date}/statement.pdf")
async def statement_pdf(
    request: Request[Any, Any, Any], cpts_id: CptsId, starts_on: Day
) -> Response[bytes]:
    """Identity, taille, due sums with their arithmetic, variable part with the level of each value,
    estimated or settled and adjusted, transfers, what is owed.

    All of it is read at one moment. What rests on no verified text is marked « non vérifié ».
    """
    async with (
        request.app.state.pool.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        year = await statements.stated_year(connection, cpts_id, starts_on)
        if year is None:
            raise not_found("L'année de contrat", f"{cpts_id}/{starts_on.isoformat()}")
        account = (await inputs.load_accounts(connection, {(cpts_id, starts_on): ""}))[0]
        rates = await inputs.load_variable_rates(connection)
        dues = await statements.stated_dues(connection, cpts_id, starts_on)
        transfers = await statements.stated_transfers(connection, cpts_id, starts_on)
        dialogue = await settlement.dialogue_of(connection, cpts_id, starts_on)
    named = NAMES.get(year.departement, year.departement)
    shown = statement(
        msgspec.structs.replace(year, departement=named),
        account,
        rates,
        dues,
        transfers,
        adjusted=dialogue.adjusted,
        printed_on=paris_day(request.app.state.clock.now()),
    )
    content = await asyncio.to_thread(rendered, shown)
    return Response(content, media_type="application/pdf")


def rendered(shown: dict[str, object]) -> bytes:
    """The document, in the fonts that the library brings along: no network, no system font."""
    data = msgspec.json.encode(shown).decode()
    content = typst.compile(
        TEMPLATE, format="pdf", sys_inputs={"data": data}, ignore_system_fonts=True
    )
    assert isinstance(content, bytes), "a PDF is one file"
    return content


ROUTES = (statement_pdf,)
