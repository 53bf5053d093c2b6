"""Lists: goal, that whoever asks can always read on, in the one way that all lists have.

Method: every question of every service, by its signature.
"""

import importlib
from typing import Any, get_origin, get_type_hints

import pytest
from litestar import get
from litestar.handlers import HTTPRouteHandler

from contracts import topics
from services.messaging.pages import AfterNumber, Limit, Page
from services.messaging.routes import ROUTES

SERVICES = [topic.producer for topic in topics.TOPICS]


def wrong(question: HTTPRouteHandler) -> str | None:
    """Why nobody can read on in this list; None for what is no list in pages, or is right."""
    hints = get_type_hints(question.fn)
    path = min(question.paths)
    if "limit" not in hints:
        return None
    if "after" not in hints:
        return f"{path} says no page but the first"
    answer = hints["return"]
    if get_origin(answer) is dict:  # says its sums beside `items` and `next`
        return None
    fields = getattr(answer, "__struct_fields__", ())
    return None if {"items", "next"} <= set(fields) else f"{path} does not say what follows"


@pytest.mark.parametrize("name", SERVICES)
def test_every_list_that_has_a_limit_says_how_to_go_on(name: str) -> None:
    service = importlib.import_module(f"services.{name}.app").SERVICE
    questions = [one for one in (*service.routes, *ROUTES) if "GET" in one.http_methods]
    assert questions
    assert [found for one in questions if (found := wrong(one))] == []


@get("/whole")
async def whole(limit: Limit = 100) -> list[Any]:
    """The first page, and no way to the second."""
    return [limit]


@get("/bare")
async def bare(after: AfterNumber = 0, limit: Limit = 100) -> list[Any]:
    """Pages of which none says whether it is the last."""
    return [after, limit]


@get("/right")
async def right(after: AfterNumber = 0, limit: Limit = 100) -> Page:
    """A list as it is to be."""
    return Page(items=[after, limit], next=None)


def test_a_list_that_cannot_be_read_on_is_seen() -> None:
    assert wrong(whole) == "/whole says no page but the first"
    assert wrong(bare) == "/bare does not say what follows"
    assert wrong(right) is None
