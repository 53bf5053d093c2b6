"""Bank accounts of the caisse, of CPTS and of the professionals whom a CPTS pays: one person
proposes, another confirms; IBANs masked.
"""

from datetime import date
from typing import Annotated, Any

import msgspec
import schwifty
from litestar import Request, Response, get, post, put
from litestar.params import JSONBody

from services.messaging.bodies import Person, refuse_impossible_days
from services.messaging.orders import Answer, Order, carry_out
from services.messaging.pages import After, Limit, Page, next_of
from services.payments.domain.bank_accounts import (
    CAISSE,
    BankAccount,
    confirm,
    masked,
    owner_of,
    propose,
)
from services.payments.domain.money_refusals import MoneyRefusal, Refusal
from services.payments.domain.owners import OWNERS
from services.payments.http.asking import CptsId, EntryId, PathRpps
from services.payments.http.ordering import departement_of, refused
from services.payments.store import bank_accounts

JOIN_ACCOUNT = "bank_account"
# What a bank's message can hold (EPC217-08), and the accents that French names have.
Holder = Annotated[
    str, msgspec.Meta(pattern=r"^[A-Za-zÀ-ÖØ-öø-ÿ0-9][A-Za-zÀ-ÖØ-öø-ÿ0-9 '&().,/+:?-]{1,69}\Z")
]
Iban = Annotated[str, msgspec.Meta(max_length=50)]


class AccountOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An account as `acting_person`, an opaque id, proposes it."""

    iban: Iban
    holder: Holder
    from_on: date
    acting_person: Person
    to_on: date | None = None

    def __post_init__(self) -> None:
        """Refuse impossible days."""
        refuse_impossible_days(self)


class ConfirmationOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`acting_person` confirms the version that they saw."""

    version: Annotated[int, msgspec.Meta(ge=1, le=10**6)]
    acting_person: Person


class AccountAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A version of an account, its IBAN masked."""

    account_id: str
    version: int
    iban_masked: str
    holder: str
    from_on: date
    to_on: date | None
    is_confirmed: bool


@put("/cpts/{cpts_id:str}/bank-accounts/{account_id:str}", status_code=200)
async def propose_of_cpts(
    request: Request[Any, Any, Any],
    cpts_id: CptsId,
    account_id: EntryId,
    data: JSONBody[AccountOrder],
) -> Response[AccountAnswer]:
    """Proposes an account of a CPTS, or another version of it."""

    async def body(order: Order) -> Answer:
        await departement_of(order, cpts_id)
        return await _propose(order, owner_of(cpts_id), account_id, data)

    return await carry_out(request, OWNERS["propose_of_cpts"], body)


@post("/cpts/{cpts_id:str}/bank-accounts/{account_id:str}/confirmation", status_code=200)
async def confirm_of_cpts(
    request: Request[Any, Any, Any],
    cpts_id: CptsId,
    account_id: EntryId,
    data: JSONBody[ConfirmationOrder],
) -> Response[AccountAnswer]:
    """Confirms the proposed version of an account of a CPTS, by another person."""

    async def body(order: Order) -> Answer:
        await departement_of(order, cpts_id)
        return await _confirm(order, owner_of(cpts_id), account_id, data)

    return await carry_out(request, OWNERS["confirm_of_cpts"], body)


@put("/caisse/bank-accounts/{account_id:str}", status_code=200)
async def propose_of_caisse(
    request: Request[Any, Any, Any], account_id: EntryId, data: JSONBody[AccountOrder]
) -> Response[AccountAnswer]:
    """Proposes an account from which the caisse pays, or another version of it."""

    async def body(order: Order) -> Answer:
        return await _propose(order, CAISSE, account_id, data)

    return await carry_out(request, OWNERS["propose_of_caisse"], body)


@post("/caisse/bank-accounts/{account_id:str}/confirmation", status_code=200)
async def confirm_of_caisse(
    request: Request[Any, Any, Any], account_id: EntryId, data: JSONBody[ConfirmationOrder]
) -> Response[AccountAnswer]:
    """Confirms the proposed version of an account of the caisse, by another person."""

    async def body(order: Order) -> Answer:
        return await _confirm(order, CAISSE, account_id, data)

    return await carry_out(request, OWNERS["confirm_of_caisse"], body)


@get("/cpts/{cpts_id:str}/bank-accounts")
async def list_of_cpts(
    request: Request[Any, Any, Any],
    cpts_id: CptsId,
    after: After = "",
    limit: Limit = 100,
) -> Page:
    """Every version of the accounts of a CPTS, their IBANs masked."""
    return await _listed(request, owner_of(cpts_id), after, limit)


@put("/cpts/{cpts_id:str}/professionals/{rpps:str}/bank-accounts/{account_id:str}", status_code=200)
async def propose_of_professional(
    request: Request[Any, Any, Any],
    cpts_id: CptsId,
    rpps: PathRpps,
    account_id: EntryId,
    data: JSONBody[AccountOrder],
) -> Response[AccountAnswer]:
    """Proposes an account on which a CPTS pays a professional, or another version of it."""

    async def body(order: Order) -> Answer:
        await departement_of(order, cpts_id)
        return await _propose(order, owner_of(cpts_id, rpps), account_id, data)

    return await carry_out(request, OWNERS["propose_of_professional"], body)


@post(
    "/cpts/{cpts_id:str}/professionals/{rpps:str}/bank-accounts/{account_id:str}/confirmation",
    status_code=200,
)
async def confirm_of_professional(
    request: Request[Any, Any, Any],
    cpts_id: CptsId,
    rpps: PathRpps,
    account_id: EntryId,
    data: JSONBody[ConfirmationOrder],
) -> Response[AccountAnswer]:
    """Confirms the proposed version of an account of a professional, by another person."""

    async def body(order: Order) -> Answer:
        await departement_of(order, cpts_id)
        return await _confirm(order, owner_of(cpts_id, rpps), account_id, data)

    return await carry_out(request, OWNERS["confirm_of_professional"], body)


@get("/cpts/{cpts_id:str}/professionals/{rpps:str}/bank-accounts")
async def list_of_professional(
    request: Request[Any, Any, Any],
    cpts_id: CptsId,
    rpps: PathRpps,
    after: After = "",
    limit: Limit = 100,
) -> Page:
    """Every version of the accounts on which a CPTS pays a professional, their IBANs masked."""
    return await _listed(request, owner_of(cpts_id, rpps), after, limit)


async def _listed(request: Request[Any, Any, Any], owner: str, after: str, limit: int) -> Page:
    async with request.app.state.pool.acquire() as connection:
        found = await bank_accounts.page_of_versions(connection, owner, after=after, limit=limit)
    items = [_shown(one) for one in found]
    return Page(items=items, next=next_of(found, limit, bank_accounts.cursor))


async def _propose(order: Order, owner: str, account_id: str, data: AccountOrder) -> Answer:
    asked = BankAccount(
        owner=owner,
        account_id=account_id,
        version=0,
        iban=_checked(data.iban),
        holder=data.holder,
        from_on=data.from_on,
        to_on=data.to_on,
        proposed_by=data.acting_person,
    )
    latest = await _locked_latest(order, owner, account_id)
    named = await bank_accounts.last_named(order.unit.connection, owner, account_id)
    decision = propose(asked, latest, last_named=named)
    if isinstance(decision, Refusal):
        raise refused(decision.reason, decision.extension)
    if decision is not None:
        await bank_accounts.add(order.unit.connection, decision, order.instant)
    return Answer(body=_shown(decision or latest or asked))


async def _confirm(order: Order, owner: str, account_id: str, data: ConfirmationOrder) -> Answer:
    latest = await _locked_latest(order, owner, account_id)
    decision = confirm(latest, version=data.version, person=data.acting_person)
    if isinstance(decision, Refusal):
        raise refused(decision.reason, decision.extension)
    await bank_accounts.add_confirmation(order.unit.connection, decision, order.instant)
    return Answer(body=_shown(decision))


async def _locked_latest(order: Order, owner: str, account_id: str) -> BankAccount | None:
    await order.unit.lock_joins(JOIN_ACCOUNT, [f"{owner}/{account_id}"])
    found = await bank_accounts.versions(order.unit.connection, [owner], account_id)
    return found[-1] if found else None


def _checked(iban: str) -> str:
    """The IBAN without spaces. Raises `Refused` without repeating it, nor what the library says."""
    try:
        return str(schwifty.IBAN(iban, validate_bban=True).compact)
    except ValueError:
        raise refused(MoneyRefusal.IBAN_INVALID) from None


def _shown(account: BankAccount) -> AccountAnswer:
    return AccountAnswer(
        account_id=account.account_id,
        version=account.version,
        iban_masked=masked(account.iban),
        holder=account.holder,
        from_on=account.from_on,
        to_on=account.to_on,
        is_confirmed=account.confirmed_by is not None,
    )


ROUTES = (
    propose_of_cpts,
    confirm_of_cpts,
    propose_of_caisse,
    confirm_of_caisse,
    list_of_cpts,
    propose_of_professional,
    confirm_of_professional,
    list_of_professional,
)
