"""What the page asks for: itself, what is told live, a dead letter's body, a replay, the runbook.

Nothing is kept here. Who asks for a replay says who it is, and the service that replays keeps it.
"""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any

import msgspec
from litestar import MediaType, Request, Response, get, post
from litestar.params import FromPath, JSONBody
from litestar.response import ServerSentEvent, ServerSentEventMessage
from litestar.static_files import create_static_files_router
from markdown_it import MarkdownIt

from contracts.departements import departements_by_code
from services.console.domain.freshness import HEARD_BY
from services.console.domain.incidents import RUNBOOK
from services.console.outside.asking import LETTERS_MAX, Asker, Unanswered
from services.messaging.bodies import Person
from services.messaging.problems import Refused, not_found

PAGE = Path(__file__).parent / "page"
RUNBOOK_FOLDER = Path(__file__).resolve().parents[2] / "docs" / "runbook"
RUNBOOK_INDEX = "README"
RUNBOOK_PAGE = re.compile(r"[A-Za-z0-9_-]+")
NOT_KEPT = {"Cache-Control": "no-store"}
AGAIN_MS = 2_000
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}

Key = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f-]{36}\Z")]


class Replay(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who asks for a replay, by the id that the organisation gives, and a key drawn for this one:
    sent twice under it, it is done once.
    """

    person: Person
    key: Key


def asker_of(request: Request[Any, Any, Any]) -> Asker:
    """The one that asks the services."""
    asker: Asker = request.app.state.asker
    return asker


@get("/", media_type=MediaType.HTML, include_in_schema=False)
async def show_page() -> str:
    """The page."""
    return (PAGE / "index.html").read_text("utf-8")


@get("/about")
async def show_about(request: Request[Any, Any, Any]) -> dict[str, Any]:
    """What does not change while the console runs: départements, services, thresholds, links."""
    settings = asker_of(request).settings
    return {
        "departements": [
            {"code": one.code, "name": one.name} for one in departements_by_code().values()
        ],
        "services": [
            {"name": name, "hears": HEARD_BY[name], "url": urls[0]}
            for name, urls in settings.addresses.items()
        ],
        "thresholds": settings.thresholds,
        "every_seconds": settings.every_seconds,
        "letters_max": LETTERS_MAX,
        "trace_page": settings.trace_page,
        "runbook": {
            kind: runbook_link(settings.runbook_page, page) for kind, page in RUNBOOK.items()
        },
        "runbook_index": runbook_link(settings.runbook_page, RUNBOOK_INDEX),
    }


def runbook_link(elsewhere: str, page: str) -> str:
    """Where a page of the runbook is read: `elsewhere`, here, or nowhere (empty)."""
    if elsewhere:
        return elsewhere.replace("{page}", page)
    return f"/runbook/{page}" if (RUNBOOK_FOLDER / f"{page}.md").is_file() else ""


@get("/live")
async def show_live_picture(request: Request[Any, Any, Any]) -> ServerSentEvent:
    """The picture, now and whenever it is taken anew, as server-sent events."""
    asker = asker_of(request)

    async def pictures() -> AsyncIterator[ServerSentEventMessage]:
        version = 0
        while not asker.is_over:
            version = await asker.newer_than(version)
            if asker.picture is not None and not asker.is_over:
                data = msgspec.json.encode(asker.picture).decode()
                yield ServerSentEventMessage(data=data, event="picture", retry=AGAIN_MS)

    return ServerSentEvent(pictures(), headers={"X-Accel-Buffering": "no"})


def known_service(asker: Asker, service: str) -> str:
    """The service, if there is one of this name. Raises a 404."""
    if service not in asker.settings.addresses:
        raise not_found("Le service", service)
    return service


def unanswered(service: str) -> Refused:
    """What a person is told of a service that does not answer."""
    return Refused("service_silent", f"Le service {service} ne répond pas.", status=503)


@get("/dead-letters/{service:str}/{letter_id:int}")
async def show_dead_letter(
    request: Request[Any, Any, Any], service: FromPath[str], letter_id: FromPath[int]
) -> Response[dict[str, Any]]:
    """A dead letter with its body, asked for when a person opens it; nothing keeps it."""
    asker = asker_of(request)
    try:
        found = await asker.dead_letter(known_service(asker, service), letter_id)
    except Unanswered:
        raise unanswered(service) from None
    if found is None:
        raise not_found("Le message", letter_id)
    return Response(found, headers=NOT_KEPT)


@post("/dead-letters/{service:str}/{letter_id:int}/replay", status_code=200)
async def replay_dead_letter(
    request: Request[Any, Any, Any],
    service: FromPath[str],
    letter_id: FromPath[int],
    data: JSONBody[Replay],
) -> Response[bytes]:
    """Have the service handle a dead letter again; its answer, which says why not if it refuses.

    Only the console's own page may ask it: 403 for another one's script.
    """
    asker = asker_of(request)
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        raise Refused("another_origin", "Demandé depuis une autre page.", status=403)
    try:
        answer = await asker.replay(known_service(asker, service), letter_id, data.person, data.key)
    except Unanswered:
        raise unanswered(service) from None
    media_type = answer.headers.get("content-type", "application/json")
    return Response(answer.content, status_code=answer.status_code, media_type=media_type)


@get("/runbook/{page:str}", media_type=MediaType.HTML)
async def show_runbook_page(page: FromPath[str]) -> str:
    """A page of the runbook."""
    path = RUNBOOK_FOLDER / f"{page.removesuffix('.md')}.md"
    if not RUNBOOK_PAGE.fullmatch(path.stem) or not path.is_file():
        raise not_found("La procédure", page)
    return _as_page(path.stem, path.read_text("utf-8"))


def _as_page(title: str, text: str) -> str:
    """Markdown of our own as a page; HTML in it is shown, not obeyed."""
    frame = (PAGE / "runbook.html").read_text("utf-8")
    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(text)
    return frame.replace("{title}", title).replace("{body}", body)


@get("/health/live")
async def show_live() -> dict[str, bool]:
    """Whether the process runs."""
    return {"is_live": True}


@get("/health/ready")
async def show_ready(request: Request[Any, Any, Any]) -> Response[dict[str, bool]]:
    """Whether the services were asked once, whatever they answered."""
    is_ready = asker_of(request).version > 0
    return Response({"is_ready": is_ready}, status_code=200 if is_ready else 503)


ROUTES = (
    show_page,
    show_about,
    show_live_picture,
    show_dead_letter,
    replay_dead_letter,
    show_runbook_page,
    show_live,
    show_ready,
)
FILES = create_static_files_router(
    path="/page", directories=[PAGE], include_in_schema=False, cache_control=None
)
