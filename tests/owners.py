"""Every order of a service, found by its routes, and its owners as the domain names them."""

import importlib
from collections.abc import Mapping

from litestar import Litestar
from litestar.routes import HTTPRoute

from contracts.roles import Role
from services.messaging.declared import Service
from services.messaging.documents import ORDERING
from services.messaging.routes import OWNERS as OF_ALL_SERVICES
from services.messaging.routes import ROUTES

# The doors of the SAS platforms: a certificate says who calls there, no role.
DOORS = "/fhir/"


def orders_of(service: Service) -> dict[str, tuple[str, str]]:
    """Method and path of each order that a service serves, by the name of its route."""
    application = Litestar(route_handlers=[*ROUTES, *service.routes], openapi_config=None)
    return {
        handler.handler_name: (method, route.path_format)
        for route in application.routes
        if isinstance(route, HTTPRoute) and not route.path.startswith(DOORS)
        for handler in route.route_handlers
        for method in ORDERING & handler.http_methods
    }


def owners_of(service: Service) -> Mapping[str, frozenset[Role]]:
    """The roles that may give each order, by the name of its route."""
    own = importlib.import_module(f"services.{service.name}.domain.owners").OWNERS
    return {**OF_ALL_SERVICES, **own}
