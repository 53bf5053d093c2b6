"""INT_R02: a SAS platform opens, changes, disables and enables the accounts of its regulators."""

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import msgspec
from litestar import Request, Response, post, put
from litestar.openapi.spec import OpenAPIType, Operation, Parameter, Schema

from contracts.departements import NATIONAL
from contracts.events.gateway import RegulatorRecorded
from contracts.recorded import record
from services.gateway.domain.faults import Fault
from services.gateway.domain.naming import IDENTIFIER_TYPES, REGULATOR_PROFILE, REGULATORS_SYSTEM
from services.gateway.domain.regulators import (
    Account,
    Key,
    KnownAccount,
    account_meant,
    duplicate_of,
    key_of,
    keys_of_token,
    read_account,
)
from services.gateway.http.doors import ORDER, body_of, door
from services.gateway.http.metadata import base_of
from services.gateway.http.ordering import Given, carry_out, read_body, told
from services.gateway.http.outcomes import DOORS, MEDIA_TYPE, Told
from services.gateway.http.querying import parameters_of
from services.gateway.store import regulators

AnyRequest = Request[Any, Any, Any]
PATH = f"{DOORS}/Practitioner"


@dataclass
class AccountOperation(Operation):
    """The body is read as it comes, so that the document has to be told of it."""

    def __post_init__(self) -> None:
        """Add the Practitioner."""
        self.request_body = body_of("Practitioner", REGULATOR_PROFILE)


@dataclass
class ChangeOperation(AccountOperation):
    """A conditional update: of the account that has an identifier."""

    def __post_init__(self) -> None:
        """Add the parameter, which is read from the query as it comes."""
        super().__post_init__()
        identifier = Parameter(
            name="identifier",
            param_in="query",
            schema=Schema(type=OpenAPIType.STRING),
            description="L'identifiant du compte, « système|valeur »",
            required=True,
        )
        self.parameters = [*(self.parameters or ()), identifier]


@post(PATH, status_code=201, operation_class=AccountOperation, **door(ORDER, answers=(201,)))
async def open_account(request: AnyRequest) -> Response[bytes]:
    """Open the account of a regulator (INT_R02); refused when an active one has its identifier."""
    account = await _read(request)

    async def opened(given: Given) -> str:
        known = await _known(given, [], account)
        return await _keep(given, account, None, known)

    return _answer(request, 201, await carry_out(request, opened), account)


@put(PATH, operation_class=ChangeOperation, **door(ORDER, answers=(200, 201)))
async def change_account(request: AnyRequest) -> Response[bytes]:
    """Change the account that has an identifier, whole (INT_R02); open it when none has it."""
    tokens = [value for name, value in parameters_of(request) if name.lower() == "identifier"]
    if len(tokens) != 1:
        text = "Le paramètre identifier est attendu, une fois."
        raise Told(400, "identifier_missing", text, code="required")
    asked = keys_of_token(tokens[0])
    if isinstance(asked, Fault):
        raise told(asked)
    account = await _read(request)

    async def changed(given: Given) -> tuple[str, bool]:
        known = await _known(given, asked, account)
        meant = account_meant(asked, account, known)
        return await _keep(given, account, meant, known), meant is None

    regulator_id, is_new = await carry_out(request, changed)
    return _answer(request, 201 if is_new else 200, regulator_id, account)


async def _read(request: AnyRequest) -> Account:
    account = read_account(await read_body(request))
    if isinstance(account, Fault):
        raise told(account)
    return account


async def _known(given: Given, asked: list[Key], account: Account) -> list[KnownAccount]:
    """The accounts of these identifiers, which no other order can take or leave meanwhile."""
    keys = [*asked, *(key_of(one) for one in account.identifiers)]
    await given.unit.lock_joins("regulator", [f"{one.kind}|{one.value}" for one in keys])
    return await regulators.find(given.unit.connection, keys)


async def _keep(
    given: Given, account: Account, meant: KnownAccount | None, known: list[KnownAccount]
) -> str:
    """Announce the account as it is now, and keep its names; nothing is said if nothing changed."""
    regulator_id = meant.regulator_id if meant else str(uuid4())
    duplicate = duplicate_of(account, regulator_id, known)
    if duplicate is not None:
        raise told(duplicate)
    before = (meant.identifiers, meant.is_active) if meant else None
    if before != (account.identifiers, account.is_active):
        said = RegulatorRecorded(
            regulator_id=regulator_id,
            identifiers=account.identifiers,
            is_active=account.is_active,
        )
        await given.unit.announce(
            record(
                [said],
                subject=regulator_id,
                after_sequence=meant.sequence if meant else 0,
                departement=NATIONAL,
                occurred_at=given.instant,
                cause=given.cause,
            )
        )
    await regulators.keep_identity(given.unit.connection, regulator_id, account)
    return regulator_id


def practitioner(regulator_id: str, account: Account) -> dict[str, Any]:
    """The account as FrPractitionerRegul; without the names that are not there."""
    resource: dict[str, Any] = {
        "resourceType": "Practitioner",
        "id": regulator_id,
        "meta": {"source": REGULATORS_SYSTEM, "profile": [REGULATOR_PROFILE]},
        "identifier": [
            {
                "type": {"coding": [{"system": IDENTIFIER_TYPES, "code": one.kind}]},
                "system": one.system,
                "value": one.value,
            }
            for one in account.identifiers
        ],
        "active": account.is_active,
    }
    if account.family_name:
        resource["name"] = [{"family": account.family_name, "given": [account.given_name]}]
    if account.email:
        resource["telecom"] = [{"system": "email", "value": account.email}]
    return resource


def _answer(
    request: AnyRequest, status: int, regulator_id: str, account: Account
) -> Response[bytes]:
    location = f"{base_of(request)}/Practitioner/{regulator_id}"
    return Response(
        msgspec.json.encode(practitioner(regulator_id, account)),
        status_code=status,
        media_type=MEDIA_TYPE,
        headers={"Location": location},
    )
