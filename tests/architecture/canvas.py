"""The canvas of a service: what its README promises, read by a machine.

Six sections hold a list; each item opens with its subject between backquotes:

    ## Hears
    - `membership.CptsRegistered.v1`: why the service needs it
"""

import re
from pathlib import Path
from typing import Final

from litestar import Litestar
from litestar.routes import HTTPRoute

from contracts.recorded import type_name
from services.messaging.declared import Service

SECTIONS: Final = ("Hears", "Says", "Serves", "Keeps", "What can go wrong")
_SUBJECT: Final = re.compile(r"- `([^`]+)`")
_CREATED: Final = re.compile(
    r"create\s+(?:unlogged\s+)?table\s+(?:if\s+not\s+exists\s+)?([a-z_][a-z0-9_]*)", re.IGNORECASE
)
_DROPPED: Final = re.compile(r"drop\s+table\s+(?:if\s+exists\s+)?([a-z_][a-z0-9_]*)", re.IGNORECASE)
_REMARK: Final = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)


def differences(canvas: str, service: Service) -> list[str]:
    """What a README says and the service does not do, or the reverse; one sentence each."""
    promised = sections(canvas)
    found = [f"there is no section {name!r}" for name in SECTIONS if name not in promised]
    for name, facts in (
        ("Hears", heard(service)),
        ("Says", list(service.topic.event_types())),
        ("Serves", served(service)),
        ("Keeps", kept(service.schema)),
        ("Measures", measured(service)),
    ):
        subjects = [match[1] for item in promised.get(name, []) if (match := _SUBJECT.match(item))]
        found += [f"{name} lists {each} twice" for each in _repeated(subjects)]
        found += [f"{name} does not list {each}" for each in facts if each not in subjects]
        found += [f"{name} lists {each}, which is not so" for each in subjects if each not in facts]
    if promised.get("What can go wrong") == []:
        found.append("nothing can go wrong, it says")
    return found


def sections(canvas: str) -> dict[str, list[str]]:
    """The items of each section of a README."""
    found: dict[str, list[str]] = {}
    items: list[str] = []
    for line in canvas.splitlines():
        if line.startswith("## "):
            items = found.setdefault(line.removeprefix("## ").strip(), [])
        elif line.startswith("- "):
            items.append(line)
    return found


def heard(service: Service) -> list[str]:
    """The event types that a service understands, over all topics it hears."""
    return [type_name(each) for hears in service.hears for each in hears.understands]


def measured(service: Service) -> list[str]:
    """The metrics that a service has beside those of every service."""
    own = [one.name for one in service.gauges] + [one.name for one in service.durations]
    return [*own, *(["cpts_invariant"] if service.invariants else [])]


def served(service: Service) -> list[str]:
    """The routes that a service defines itself, as `METHOD /path/{parameter}`."""
    application = Litestar(route_handlers=list(service.routes), openapi_config=None)
    return sorted(
        f"{method} {route.path_format}"
        for route in application.routes
        if isinstance(route, HTTPRoute)
        for method in route.methods
        if method != "OPTIONS"
    )


def kept(schema: Path) -> list[str]:
    """The tables that a folder of migrations leaves behind, in the order of their creation."""
    tables: list[str] = []
    for path in sorted(schema.glob("*.sql")):
        for statement in _REMARK.sub("", path.read_text("utf-8")).split(";"):
            tables += _CREATED.findall(statement)
            dropped = _DROPPED.findall(statement)
            tables = [table for table in tables if table not in dropped]
    return tables


def _repeated(subjects: list[str]) -> list[str]:
    return sorted({each for each in subjects if subjects.count(each) > 1})
