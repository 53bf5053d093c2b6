"""Errors as the web tells them: RFC 9457 problem details, in French where a person reads them."""

import http
import logging
from typing import Any

import asyncpg
import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, NotFoundException, ValidationException

from services.messaging.database import is_not_now
from services.messaging.outbox import TooLarge

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 1
NOT_READY = "Le service démarre ou rattrape son journal ; réessayez bientôt."

TITLES = {
    400: "Demande invalide",
    401: "Authentification requise",
    403: "Rôle non autorisé",
    404: "Introuvable",
    405: "Méthode non autorisée",
    409: "Demande refusée",
    413: "Demande trop volumineuse",
    415: "Format non pris en charge",
    422: "Demande contradictoire",
    429: "Trop de demandes",
    500: "Erreur interne",
    503: "Service momentanément indisponible",
}


# A value that fits its type but not what keeps it: a NUL, an integer beyond 64 bits, an instant out
# of range, JSON nested without end; a text in JSON that is no UTF-8, which msgspec tells so.
UNFIT = (asyncpg.DataError, OverflowError, RecursionError, UnicodeDecodeError)


class Refused(Exception):  # noqa: N818
    """The rules say no. `reason` is one of the codes that the service documents; `extension` are
    further members of the problem.
    """

    def __init__(
        self, reason: str, detail: str = "", *, status: int = 409, **extension: Any
    ) -> None:
        super().__init__(reason)
        self.reason, self.detail, self.status, self.extension = reason, detail, status, extension


def problem_body(status: int, detail: str = "", **extension: Any) -> dict[str, Any]:
    """The members of a problem."""
    title = TITLES.get(status) or http.HTTPStatus(status).phrase
    body: dict[str, Any] = {"type": "about:blank", "title": title, "status": status}
    if detail:
        body["detail"] = detail
    return {**body, **extension}


def refusal_body(refused: Refused) -> dict[str, Any]:
    """The members of the problem that a refusal is."""
    return problem_body(refused.status, refused.detail, reason=refused.reason, **refused.extension)


def problem(
    status: int, detail: str = "", *, headers: dict[str, str] | None = None, **extension: Any
) -> Response[Any]:
    """The response that tells a problem."""
    return Response(
        msgspec.json.encode(problem_body(status, detail, **extension)),
        status_code=status,
        media_type=MEDIA_TYPE,
        headers=headers,
    )


def not_found(what: str, id_: object) -> NotFoundException:
    """The error to raise when nothing has this id; `what` is a French noun with its article."""
    return NotFoundException(f"{what} « {id_} » n'existe pas.")


def on_refused(_: Request[Any, Any, Any], error: Refused) -> Response[bytes]:
    """A refusal outside an order, as a problem."""
    return problem(error.status, error.detail, reason=error.reason, **error.extension)


def on_http_error(_: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """Litestar's own errors as problems: no route, wrong method, body that does not fit."""
    headers = {
        name: value for name, value in (error.headers or {}).items() if name.lower() == "allow"
    }
    if isinstance(error, ValidationException) or error.status_code == http.HTTPStatus.BAD_REQUEST:
        return problem(
            400, "Le contenu de la demande n'est pas celui attendu.", errors=_errors(error)
        )
    if error.status_code >= http.HTTPStatus.INTERNAL_SERVER_ERROR:
        return problem(error.status_code)
    detail = "" if error.detail == http.HTTPStatus(error.status_code).phrase else error.detail
    return problem(error.status_code, detail, headers=headers)


def _errors(error: HTTPException) -> list[dict[str, str]]:
    """What is wrong in a body or a parameter, with the path of each bad field."""
    found = [
        {
            "field": str(one.get("key", "")),
            "in": str(one.get("source", "body")),
            "message": str(one.get("message", "")),
        }
        for one in (error.extra if isinstance(error.extra, list) else [])
        if isinstance(one, dict)
    ]
    return found or [{"field": "", "in": "body", "message": error.detail}]


def route_of(request: Request[Any, Any, Any]) -> str:
    """A request as a log names it: a path holds what its caller wrote, its route does not."""
    return f"{request.method} {request.scope.get('path_template') or '?'}"


def on_error(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Anything else: passing trouble is 503; a bug is 500, told in the log alone."""
    route = route_of(request)
    if is_not_now(error):
        log.warning("%s: not now: %r", route, error)
        return problem(
            503,
            "La base de données ne répond pas ; la demande peut être renvoyée.",
            headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
        )
    if isinstance(error, UNFIT):
        log.warning("%s: unfit", route, exc_info=error)
        return problem(400, "Une valeur de la demande sort de ce qui peut être enregistré.")
    if isinstance(error, TooLarge):
        return problem(413, "La demande donne un événement plus grand que le journal n'en prend.")
    log.error("%s failed", route, exc_info=error)
    return problem(500)


HANDLERS: Any = {Refused: on_refused, HTTPException: on_http_error, Exception: on_error}
