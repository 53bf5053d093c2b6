"""What the OpenAPI document of every service says of orders and of errors.

`orders` reads the headers and `problems` tells the errors, for all routes alike; so they are
documented here for all routes alike. A route documents its own answer by its annotation; what it
does stands in French in the `labels.toml` of its service, by `METHOD /path/{parameter}`.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import (
    OpenAPIHeader,
    OpenAPIResponse,
    OpenAPIType,
    Operation,
    Parameter,
    Schema,
)

from services.messaging.orders import (
    CPTS_HEADER,
    KEY_HEADER,
    PERSON_HEADER,
    REPLAY_HEADER,
    ROLE_HEADER,
    Role,
)
from services.messaging.problems import MEDIA_TYPE, TITLES

LABELS = Path(__file__).parent / "labels.toml"
DOCUMENTS_ITSELF = "documents_itself"
ORDERING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
REFUSALS_OF_ORDERS = (400, 403, 404, 409, 422, 503)
HEADERS = {
    ROLE_HEADER: "Au nom de qui l'ordre est donné ; obligatoire",
    CPTS_HEADER: "La CPTS qui donne l'ordre ; obligatoire quand le rôle est « cpts »",
    PERSON_HEADER: "L'identifiant que l'organisme donne à la personne qui donne l'ordre, gardé avec"
    " ce qu'elle déclare ou décide ; jamais un nom",
    KEY_HEADER: "Propre à l'ordre : envoyé de nouveau sous la même clé, il reçoit sa première "
    "réponse",
}


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """An error (RFC 9457). `reason` is the coded reason of a refusal, `errors` what does not fit;
    a refusal may have members of its own beside these.
    """

    type: str
    title: str
    status: int
    detail: str = ""
    reason: str = ""
    errors: tuple[dict[str, str], ...] = ()


@dataclass
class OrderOperation(Operation):
    """An order: the headers that it bears, and the one that tells an answer given again."""

    def __post_init__(self) -> None:
        """Add to what Litestar found in the route."""
        self.parameters = [*(self.parameters or ()), *(_header(name) for name in HEADERS)]
        for status, answer in (self.responses or {}).items():
            if status.startswith("2") and isinstance(answer, OpenAPIResponse):
                answer.headers = {**(answer.headers or {}), REPLAY_HEADER: _REPLAY}


_TYPE = re.compile(r":\w+\}")
_REPLAY = OpenAPIHeader(
    schema=Schema(type=OpenAPIType.STRING, const="true"),
    description="Présent quand cette réponse est celle d'un premier envoi",
)


def _header(name: str) -> Parameter:
    """A header of an order. None is required: `orders` refuses what is missing, with a reason."""
    roles = [role.value for role in Role] if name == ROLE_HEADER else None
    return Parameter(
        name=name,
        param_in="header",
        schema=Schema(type=OpenAPIType.STRING, enum=roles),
        description=HEADERS[name],
        required=False,
    )


def also(status: int, shape: type[msgspec.Struct], description: str) -> dict[int, ResponseSpec]:
    """Another answer of a route, for its `responses`."""
    return {status: _response(shape, description)}


def labels_of(file: Path | None) -> dict[str, str]:
    """The French labels of the routes of a service, those that all services have included."""
    files = [LABELS, *([file] if file else [])]
    return {
        name: label
        for one in files
        for name, label in tomllib.loads(one.read_text("utf-8")).items()
    }


def documented(
    handlers: Iterable[HTTPRouteHandler], labels: Mapping[str, str]
) -> list[HTTPRouteHandler]:
    """The routes, with their labels and what all orders and all errors have in common.

    A route with the option `DOCUMENTS_ITSELF` follows another standard, and says so itself.
    """
    found = list(handlers)
    for handler in found:
        handler.summary = labels.get(_name_of(handler))
        if handler.opt.get(DOCUMENTS_ITSELF):
            continue
        is_order = bool(ORDERING & handler.http_methods)
        statuses = REFUSALS_OF_ORDERS if is_order else _refusals_of_question(handler)
        handler.responses = {**_problems(statuses), **(handler.responses or {})}
        if is_order and not issubclass(handler.operation_class, OrderOperation):
            handler.operation_class = OrderOperation
    return found


def _name_of(handler: HTTPRouteHandler) -> str:
    """Its method and path, without the types of the parameters."""
    (method,), (path,) = handler.http_methods, handler.paths
    return f"{method} {_TYPE.sub('}', path)}"


def _refusals_of_question(handler: HTTPRouteHandler) -> tuple[int, ...]:
    """A parameter that does not fit, nothing of this id, a database that does not answer."""
    has_parameters = bool(handler.parsed_fn_signature.parameters.keys() - {"request"})
    has_id = any("{" in path for path in handler.paths)
    return (*((400,) if has_parameters else ()), *((404,) if has_id else ()), 503)


def _problems(statuses: Iterable[int]) -> Mapping[int, ResponseSpec]:
    return {status: _response(Problem, TITLES[status], MEDIA_TYPE) for status in statuses}


def _response(
    shape: type[msgspec.Struct], description: str, media_type: str = "application/json"
) -> ResponseSpec:
    return ResponseSpec(
        data_container=shape,
        description=description,
        media_type=media_type,
        generate_examples=False,
    )
