"""Pieces of evidence: taken as raw bytes, checked by type and digest, given back as they were."""

import asyncio
import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import Any

import msgspec
from litestar import Response, get, put
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIType, RequestBody, Schema
from litestar.params import FromQuery

from contracts.events.indicators import EvidenceRecorded
from services.indicators.domain.evidence import (
    SIZE_MAX_BYTES,
    evidence_subject,
    take_evidence,
)
from services.indicators.domain.owners import OWNERS
from services.indicators.domain.refusals import Refusal
from services.indicators.domain.rule import CountingRule
from services.indicators.handlers.recording import Said, announce
from services.indicators.http.asking import HttpRequest, PathId, refused, unless_refused
from services.indicators.http.ordering import locked_departement, recorded
from services.indicators.store import contents, entries, membership_facts
from services.messaging.documents import OrderOperation
from services.messaging.orders import (
    Answer,
    Order,
    Role,
    carry_out,
    read_acting_cpts,
    read_role,
)
from services.messaging.problems import Refused, not_found

EVIDENCE = "/cpts/{cpts_id:str}/evidence/{evidence_id:str}"
DIGEST = re.compile(r"(?:^|,)\s*sha-256=:([A-Za-z0-9+/=]{44}):\s*(?:,|$)")  # RFC 9530
HEX = re.compile(r"[0-9a-f]{64}")


class EvidenceAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of evidence as it is stored."""

    cpts_id: str
    evidence_id: str
    sha256: str
    size_bytes: int
    media_type: str


@dataclass
class EvidenceOperation(OrderOperation):
    """The order as the document tells it: the body is the file itself."""

    def __post_init__(self) -> None:
        """Add what no annotation of the route can say."""
        super().__post_init__()
        file = Schema(type=OpenAPIType.STRING, content_media_type="application/octet-stream")
        content = {"application/octet-stream": OpenAPIMediaType(schema=file)}
        self.request_body = RequestBody(content=content, required=True)


def said_digest(header: str | None, query: str | None) -> str | None:
    """The SHA-256 that the caller says, in hexadecimal; None when it says none."""
    if query is not None:
        return query if HEX.fullmatch(query) else None
    found = DIGEST.search(header or "")
    if found is None:
        return None
    try:
        return base64.b64decode(found[1], validate=True).hex()
    except binascii.Error:
        return None


def _store_url(request: HttpRequest) -> str:
    """Where contents are kept; raises `Refused` (503) where the service was not told."""
    url: str = request.app.state.running.settings.evidence_store_url
    if not url:
        raise Refused(
            "no_evidence_store",
            "Le service ne sait pas où garder les pièces (EVIDENCE_STORE_URL).",
            status=503,
        )
    return url


def _said_type(request: HttpRequest) -> str | None:
    """The media type that the caller says, None when it leaves that open."""
    said = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return None if said in {"", "application/octet-stream"} else said


def _taken(
    cpts_id: str, evidence_id: str, content: bytes, said: str | None, said_type: str | None
) -> EvidenceRecorded | Refusal:
    """What a file is; reads all of it."""
    if said is None:
        return Refusal.DIGEST_NEEDED
    return take_evidence(
        cpts_id,
        evidence_id,
        content,
        sha256=hashlib.sha256(content).hexdigest(),
        said_sha256=said,
        said_type=said_type,
    )


async def _is_known(request: HttpRequest, cpts_id: str) -> bool:
    """Whether the CPTS is one: nothing is kept of others."""
    async with request.app.state.pool.acquire() as connection:
        return cpts_id in await membership_facts.departements(connection, [cpts_id])


@put(
    EVIDENCE,
    responses=recorded(EvidenceAnswer),
    request_max_body_size=SIZE_MAX_BYTES,
    operation_class=EvidenceOperation,
)
async def put_evidence(
    request: HttpRequest,
    cpts_id: PathId,
    evidence_id: PathId,
    sha256: FromQuery[str | None] = None,
) -> Response[EvidenceAnswer]:
    """Takes a file of at most 20 MB as the raw body; `Content-Digest` or `sha256` tells its digest.

    It never changes: another content needs another id.
    """
    role = read_role(request, OWNERS["put_evidence"])
    is_of_cpts = read_acting_cpts(request, role) in {None, cpts_id}
    url = _store_url(request)
    content = await request.body()
    said = said_digest(request.headers.get("content-digest"), sha256)
    taken = await asyncio.to_thread(
        _taken, cpts_id, evidence_id, content, said, _said_type(request)
    )
    # The object store may be slow: what waits for it holds neither the CPTS nor a connection.
    if is_of_cpts and not isinstance(taken, Refusal) and await _is_known(request, cpts_id):
        await contents.put(url, taken.sha256, content)

    async def body(order: Order) -> Answer:
        departement = await locked_departement(order, cpts_id)
        event = unless_refused(taken)
        subject = evidence_subject(cpts_id, evidence_id)
        found = await entries.present(order.unit.connection, EvidenceRecorded, [subject])
        present = found.get(subject)
        if present not in {None, event}:
            raise refused(Refusal.ALREADY_EXISTS)
        if present is None:
            news = Said(subject=subject, departement=departement, event=event)
            await announce(order.unit, [news], order.cause)
        shown = EvidenceAnswer(**msgspec.structs.asdict(event))
        return Answer(body=shown, status=201 if present is None else 200)

    return await carry_out(request, OWNERS["put_evidence"], body)


@get(EVIDENCE, media_type="application/octet-stream")
async def show_evidence(
    request: HttpRequest, cpts_id: PathId, evidence_id: PathId
) -> Response[bytes]:
    """A file as it was taken, for its CPTS, the caisse and the ARS: who asks says its role."""
    role = read_role(request, (Role.CPTS, Role.CAISSE, Role.ARS))
    if read_acting_cpts(request, role) not in {None, cpts_id}:
        raise Refused("not_the_acting_cpts", "Cette pièce est celle d'une autre CPTS.", status=403)
    subject = evidence_subject(cpts_id, evidence_id)
    async with request.app.state.pool.acquire() as connection:
        found = (await entries.present(connection, EvidenceRecorded, [subject])).get(subject)
    if found is None:
        raise not_found("La pièce", evidence_id)
    content = await contents.content(_store_url(request), found.sha256)
    if content is None:
        raise not_found("Le contenu de la pièce", evidence_id)
    digest = base64.b64encode(bytes.fromhex(found.sha256)).decode()
    return Response(
        content,
        media_type=found.media_type,
        headers={
            "Content-Digest": f"sha-256=:{digest}:",
            # It comes from outside: a browser keeps it as a file, and does not guess what it is.
            "Content-Disposition": "attachment",
            "X-Content-Type-Options": "nosniff",
        },
    )


def make_routes(_: CountingRule) -> tuple[Any, ...]:
    """The routes."""
    return (put_evidence, show_evidence)
