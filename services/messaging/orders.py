"""Orders: what people and systems ask the service to do, each carried out once.

The caller is known here and nowhere else: a role, with the role `cpts` which CPTS, and if it is
said which person. In order of precedence: the role is missing or unknown (400), not one of the
order's (403), its CPTS is missing (400), the person is no id (400); then, as soon as the order
knows whose its matter is, that it is another's (403).
An order with an `Idempotency-Key` keeps its first answer: the same order gets it again, another
order under the same key is refused.
"""

import hashlib
import re
from collections.abc import Awaitable, Callable, Collection
from datetime import datetime
from typing import Any
from uuid import uuid4

import msgspec
from litestar import Request, Response

from contracts.recorded import Cause
from contracts.roles import Role
from services.messaging.bodies import PERSON
from services.messaging.database import Connection, is_collision
from services.messaging.problems import MEDIA_TYPE, NOT_READY, Refused, refusal_body
from services.messaging.telemetry import current_traceparent
from services.messaging.unit import Desk, Unit, open_unit

__all__ = ["Answer", "Order", "Refused", "Role", "carry_out"]

ROLE_HEADER = "Acting-Role"
CPTS_HEADER = "Acting-Cpts"
PERSON_HEADER = "Acting-Person"
KEY_HEADER = "Idempotency-Key"
INSTANT_HEADER = "Order-Instant"
REPLAY_HEADER = "Idempotent-Replay"
KEY_LENGTH_MAX = 200
OWN_TROUBLE = 500
KEY_REUSED = "idempotency_key_reused"
TRIES = 4

CLAIM = """
    insert into order_answer (key, fingerprint) values ($1, $2)
    on conflict (key) do nothing
    returning key
"""
FIRST = (
    "select fingerprint, status, headers::text as headers, body from order_answer where key = $1"
)
ANSWERED = """
    update order_answer set status = $2, headers = $3::jsonb, body = $4 where key = $1
"""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """An order being carried out: its transaction, the instant it was received, who gives it, and
    the cause that its events name. `acting_cpts` is None in any role but that of a CPTS. `person`
    is their organisation's own id of who gives it, None when it is not said.
    """

    unit: Unit
    instant: datetime
    role: Role
    cause: Cause
    acting_cpts: str | None = None
    person: str | None = None

    def refuse_another_cpts(self, cpts_id: str | None) -> None:
        """Raises `Refused` (403) when a CPTS orders about what is another's, or nobody's yet."""
        if self.acting_cpts is not None and cpts_id != self.acting_cpts:
            raise Refused(
                "not_the_acting_cpts",
                f"Cet ordre ne concerne pas la CPTS que dit l'en-tête {CPTS_HEADER}.",
                status=403,
            )


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What an order answers, `body` as JSON; `headers` may give another `Content-Type`."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] | None = None


class Kept(msgspec.Struct, frozen=True):
    """An answer as it leaves, and as it is kept under its key."""

    status: int
    headers: dict[str, str]
    body: bytes

    def response(self, *, is_replay: bool = False) -> Response[bytes]:
        """The HTTP response."""
        headers = dict(self.headers)
        media_type = headers.pop("Content-Type")
        if is_replay:
            headers[REPLAY_HEADER] = "true"
        return Response(self.body, status_code=self.status, media_type=media_type, headers=headers)


def read_role(request: Request[Any, Any, Any], allowed: Collection[Role]) -> Role:
    """The role in which the caller acts. Raises `Refused` with status 400 or 403."""
    said = request.headers.get(ROLE_HEADER)
    try:
        role = Role(said or "")
    except ValueError:
        raise Refused(
            "acting_role_unknown" if said else "acting_role_missing",
            f"L'en-tête {ROLE_HEADER} dit au nom de qui l'ordre est donné : {', '.join(Role)}.",
            status=400,
        ) from None
    if role not in allowed:
        raise Refused(
            "role_not_allowed",
            f"Cet ordre est réservé à : {', '.join(sorted(allowed))}.",
            status=403,
        )
    return role


def read_acting_cpts(request: Request[Any, Any, Any], role: Role) -> str | None:
    """The CPTS that gives the order; None in any other role, whatever the header says."""
    if role is not Role.CPTS:
        return None
    cpts_id = request.headers.get(CPTS_HEADER)
    if not cpts_id:
        raise Refused(
            "acting_cpts_missing",
            f"Au nom d'une CPTS, l'en-tête {CPTS_HEADER} dit laquelle.",
            status=400,
        )
    return cpts_id


def read_person(request: Request[Any, Any, Any]) -> str | None:
    """The id of the person who gives the order, None when it is not said."""
    person = request.headers.get(PERSON_HEADER)
    if person and not re.fullmatch(PERSON, person):
        raise Refused(
            "acting_person_invalid",
            f"{PERSON_HEADER} est un identifiant de 1 à 64 lettres, chiffres, « . », « _ » ou"
            " « - », jamais un nom.",
            status=400,
        )
    return person or None


def read_instant(request: Request[Any, Any, Any]) -> datetime:
    """When the order was received; the caller may say it where the clock is a driven one."""
    clock = request.app.state.clock
    said = request.headers.get(INSTANT_HEADER)
    if not said or not clock.is_driven:
        return clock.now()  # type: ignore[no-any-return]
    try:
        instant = datetime.fromisoformat(said)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise Refused(
            "instant_invalid",
            f"{INSTANT_HEADER} est un instant ISO 8601 avec décalage.",
            status=400,
        )
    return instant


def read_key(request: Request[Any, Any, Any], who: str) -> str | None:
    """A digest of the order's idempotency key, if it has one, and of who gives the order.

    What callers write there is theirs: neither tables nor the log hold the words themselves, and
    the same words of two callers are two keys.
    """
    key = request.headers.get(KEY_HEADER)
    if key is not None and not 0 < len(key) <= KEY_LENGTH_MAX:
        raise Refused(
            "idempotency_key_invalid",
            f"{KEY_HEADER} compte de 1 à {KEY_LENGTH_MAX} caractères.",
            status=400,
        )
    if key is None:
        return None
    return hashlib.sha256(f"{who}\n{key}".encode()).hexdigest()[:32]


async def fingerprint_of(request: Request[Any, Any, Any], who: str) -> bytes:
    """What makes two orders the same: who gives it, method, path, query and body."""
    head = f"{who}\n{request.method}\n{request.url.path}\n{request.url.query}\n"
    return hashlib.sha256(head.encode() + await request.body()).digest()


async def carry_out(
    request: Request[Any, Any, Any],
    roles: Collection[Role],
    body: Callable[[Order], Awaitable[Answer]],
) -> Response[Any]:
    """Carry out an order in one transaction and answer it.

    `body` may run again after a collision with another transaction, from the start. What it raises
    as `Refused` is rolled back, remembered under the key and answered as a problem.
    """
    role = read_role(request, roles)
    acting_cpts = read_acting_cpts(request, role)
    person = read_person(request)
    who = role if acting_cpts is None else f"{role} {acting_cpts}"
    key = read_key(request, who)
    instant = read_instant(request)
    fingerprint = await fingerprint_of(request, who)
    desk: Desk = request.app.state.desk
    if not desk.is_open:
        raise Refused("not_ready", NOT_READY, status=503)
    cause = Cause(
        id=f"order:{desk.name}:{key}" if key else f"order:{uuid4()}",
        recorded_at=instant,
        traceparent=current_traceparent(),
    )
    for attempt in range(1, TRIES + 1):
        try:
            async with open_unit(desk) as unit:
                first = await claim_key(unit.connection, key, fingerprint)
                if first is not None:
                    desk.counters["idempotent_replays"] += 1
                    return first.response(is_replay=True)
                order = Order(
                    unit=unit,
                    instant=instant,
                    role=role,
                    cause=cause,
                    acting_cpts=acting_cpts,
                    person=person,
                )
                kept = as_kept(await body(order))
                unit.count("orders")
                await keep_answer(unit.connection, key, kept)
            return kept.response()
        except Refused as refused:
            return (await remember_refusal(desk, key, fingerprint, refused)).response()
        except Exception as error:
            if not is_collision(error) or attempt == TRIES:
                raise
            desk.counters["order_retries"] += 1
    raise AssertionError("the last attempt returns or raises")


async def remember_refusal(
    desk: Desk, key: str | None, fingerprint: bytes, refused: Refused
) -> Kept:
    """The answer to an order that the rules refuse, kept under its key in a transaction of its own:
    the one that was refused has been rolled back. Trouble of our own (5xx) passes, and is not kept.
    """
    desk.counters["orders_refused"] += 1
    content = msgspec.json.encode(refusal_body(refused))
    kept = Kept(refused.status, {"Content-Type": MEDIA_TYPE}, content)
    if key is None or refused.reason == KEY_REUSED or refused.status >= OWN_TROUBLE:
        return kept
    async with open_unit(desk) as unit:
        first = await claim_key(unit.connection, key, fingerprint)
        if first is not None:
            return first
        await keep_answer(unit.connection, key, kept)
    return kept


async def claim_key(connection: Connection, key: str | None, fingerprint: bytes) -> Kept | None:
    """Claim a key for this order: None when it is ours, its first answer when it was claimed.

    Waits for a transaction that is carrying out the same order. Raises `Refused` (422) when the
    key belongs to another order.
    """
    if key is None:
        return None
    while await connection.fetchval(CLAIM, key, fingerprint) is None:
        row = await connection.fetchrow(FIRST, key)
        if row is None:
            continue  # whoever had claimed it rolled back
        if row["fingerprint"] != fingerprint:
            raise Refused(
                KEY_REUSED,
                f"Cette valeur de {KEY_HEADER} a servi à un autre ordre.",
                status=422,
            )
        return Kept(row["status"], msgspec.json.decode(row["headers"]), row["body"])
    return None


def as_kept(answer: Answer) -> Kept:
    """An answer as it leaves."""
    content = b"" if answer.body is None else msgspec.json.encode(answer.body)
    headers = {"Content-Type": "application/json", **(answer.headers or {})}
    return Kept(answer.status, headers, content)


async def keep_answer(connection: Connection, key: str | None, kept: Kept) -> None:
    """Remember the answer under its key, if there is one."""
    if key is None:
        return
    await connection.execute(
        ANSWERED, key, kept.status, msgspec.json.encode(kept.headers).decode(), kept.body
    )
