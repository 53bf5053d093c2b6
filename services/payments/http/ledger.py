"""The ledger as people read it, and what must always hold of accounts and ledger."""

from typing import Any

from litestar import Request, get
from litestar.params import FromQuery

from services.messaging.database import Connection
from services.messaging.pages import After, Limit, Page, next_of, page
from services.payments.domain.accounts import price
from services.payments.store import answers, inputs, ledger
from services.payments.store import invariants as stored

ACCOUNTS_AT_ONCE = 500


@get("/ledger/balances")
async def ledger_balances(
    request: Request[Any, Any, Any], after: After = "", limit: Limit = 100
) -> dict[str, Any]:
    """Each account of the ledger with its balance, by name; those of all pages sum to zero."""
    async with (
        request.app.state.pool.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        items = await answers.ledger_balances(connection, after=after, limit=limit)
        sum_cents = await answers.ledger_sum(connection)
    return {
        "items": items,
        "next": next_of(items, limit, lambda last: str(last["account"])),
        "sum_cents": sum_cents,
    }


@get("/ledger/entries")
async def ledger_entries(
    request: Request[Any, Any, Any],
    cpts_id: FromQuery[str],
    after: After = "",
    limit: Limit = 100,
) -> Page:
    """The ledger lines of a CPTS, in order of their posting."""
    async with request.app.state.pool.acquire() as connection:
        items = await answers.ledger_entries(connection, cpts_id, after=after, limit=limit)
    return page(items, limit, lambda last: f"{last['posting_id']}/{last['ordinal']}")


@get("/ledger/trial-balance")
async def trial_balance(
    request: Request[Any, Any, Any],
    journal: FromQuery[str | None] = None,
    cpts_id: FromQuery[str | None] = None,
) -> dict[str, Any]:
    """Debits, credits and balance of each account, journal by journal, for all CPTS or one.

    The balances of each journal sum to zero, for each CPTS and in all.
    """
    async with request.app.state.pool.acquire() as connection:
        rows = await ledger.trial_balance(connection, journal=journal, cpts_id=cpts_id)
    journals: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        journals.setdefault(row.pop("journal"), []).append(row)
    return {
        "journals": [
            {
                "journal": name,
                "debit_cents": sum(one["debit_cents"] for one in accounts),
                "credit_cents": sum(one["credit_cents"] for one in accounts),
                "accounts": accounts,
            }
            for name, accounts in journals.items()
        ],
        "sum_cents": sum(
            one["balance_cents"] for accounts in journals.values() for one in accounts
        ),
    }


@get("/invariants")
async def invariants(request: Request[Any, Any, Any]) -> dict[str, bool]:
    """What must always hold, computed now."""
    async with (
        request.app.state.pool.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        return await stored.invariants(connection) | {
            "accounts_equal_price": await _accounts_equal_price(connection)
        }


async def _accounts_equal_price(connection: Connection) -> bool:
    """Whether every account is worth what its inputs give: no change of one was missed."""
    rates = await inputs.load_variable_rates(connection)
    after = ""
    while keys := await inputs.accounts_after(connection, after, ACCOUNTS_AT_ONCE):
        accounts = await inputs.load_accounts(connection, keys)
        if any(price(one, rates).variable_cents != one.variable_cents for one in accounts):
            return False
        after = max(one.subject for one in accounts)
    return True


ROUTES = (ledger_balances, ledger_entries, trial_balance, invariants)
