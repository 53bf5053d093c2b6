"""Errors as FHIR tells them: an OperationOutcome with a code and a French text.

Under `/fhir` everything that goes wrong is told so, what Litestar and the database say included;
elsewhere `problems` tells it.
"""

import http
import logging
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.utils.path import normalize_path

from services.messaging import problems
from services.messaging.database import is_not_now
from services.messaging.problems import TITLES, UNFIT, Refused

log = logging.getLogger(__name__)

DOORS = "/fhir"
MEDIA_TYPE = "application/fhir+json"
RETRY_AFTER_SECONDS = 1
REASONS = "urn:sas-cpts:reason"
REASON = "door_reason"
"""Where the state of a request keeps our reason, for the audit."""
TOO_LATE = "Le service ne répond pas à temps ; la demande peut être renvoyée."

# The codes of http://hl7.org/fhir/issue-type.
ISSUES = {
    400: "invalid",
    401: "login",
    403: "forbidden",
    404: "not-found",
    405: "not-supported",
    406: "not-supported",
    409: "conflict",
    410: "deleted",
    413: "too-costly",
    415: "not-supported",
    422: "business-rule",
    429: "throttled",
    503: "transient",
}


class Told(Exception):  # noqa: N818
    """What a door answers instead of what was asked.

    `code` is FHIR's issue type (by default that of the status), `reason` ours, `expression` the
    paths of what is wrong, `retry_after` in how many seconds it may fare better.
    """

    def __init__(
        self,
        status: int,
        reason: str,
        text: str,
        *,
        code: str | None = None,
        expression: tuple[str, ...] = (),
        retry_after: int | None = None,
    ) -> None:
        super().__init__(reason)
        self.status, self.reason, self.text = status, reason, text
        self.code, self.expression, self.retry_after = code, expression, retry_after


class Coding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A code of a system."""

    system: str
    code: str


class Details(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a French reader is told, and our coded reason."""

    text: str
    coding: tuple[Coding, ...] = ()


class Issue(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that is wrong; `code` is of FHIR's issue types."""

    severity: str
    code: str
    details: Details
    expression: tuple[str, ...] = ()


class OperationOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """An error, as FHIR tells it."""

    resource_type: str = msgspec.field(name="resourceType")
    issue: tuple[Issue, ...]


def outcome(
    status: int,
    text: str,
    *,
    reason: str = "",
    code: str | None = None,
    expression: tuple[str, ...] = (),
    headers: dict[str, str] | None = None,
) -> Response[bytes]:
    """The response that tells an error."""
    coding = (Coding(system=REASONS, code=reason),) if reason else ()
    issue = Issue(
        severity="error",
        code=code or ISSUES.get(status, "exception"),
        details=Details(text=text, coding=coding),
        expression=expression,
    )
    body = OperationOutcome(resource_type="OperationOutcome", issue=(issue,))
    headers = dict(headers or {})
    if status == http.HTTPStatus.SERVICE_UNAVAILABLE:
        headers.setdefault("Retry-After", str(RETRY_AFTER_SECONDS))
    return Response(
        msgspec.json.encode(body), status_code=status, media_type=MEDIA_TYPE, headers=headers
    )


def outcome_of(told: Told) -> Response[bytes]:
    """The response that a door gives instead of what was asked."""
    return outcome(
        told.status,
        told.text,
        reason=told.reason,
        code=told.code,
        expression=told.expression,
        headers=None if told.retry_after is None else {"Retry-After": str(told.retry_after)},
    )


def is_door(path: str) -> bool:
    """Whether a path is one of a door, there or not, as Litestar reads it: `//fhir` is one."""
    return f"{normalize_path(path)}/".startswith(f"{DOORS}/")


def on_error(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Any error of a door as an OperationOutcome; of another route as a problem."""
    if not is_door(request.scope["path"]):
        handle = next(one for kind, one in problems.HANDLERS.items() if isinstance(error, kind))
        return handle(request, error)  # type: ignore[no-any-return]
    if isinstance(error, Told | Refused):
        request.scope["state"][REASON] = error.reason
    if isinstance(error, Told):
        return outcome_of(error)
    if isinstance(error, Refused):
        return outcome(error.status, error.detail, reason=error.reason)
    if isinstance(error, HTTPException):
        allow = {k: v for k, v in (error.headers or {}).items() if k.lower() == "allow"}
        return outcome(error.status_code, _title(error.status_code), headers=allow)
    if is_not_now(error):
        log.warning("%s: not now: %r", problems.route_of(request), error)
        return outcome(503, TOO_LATE)
    if isinstance(error, UNFIT):
        log.warning("%s: unfit", problems.route_of(request), exc_info=error)
        return outcome(400, "Une valeur de la demande sort de ce qui peut être lu.", code="value")
    log.error("%s failed", problems.route_of(request), exc_info=error)
    return outcome(500, _title(500))


def _title(status: int) -> str:
    return TITLES.get(status) or http.HTTPStatus(status).phrase


ON_ERRORS: Any = dict.fromkeys(problems.HANDLERS, on_error)
