"""Lists in pages: `next` is made of what a list is ordered by, so that pages stay right while it
grows.
"""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar

import msgspec
from litestar.params import QueryParameter

T = TypeVar("T")
Limit = Annotated[int, QueryParameter(ge=1, le=1000, description="Nombre d'éléments par page")]
NUMBER_MAX = 2**63 - 1  # where a list begins whose highest number comes first
_NEXT = "Le `next` de la page précédente"
After = Annotated[str, QueryParameter(description=_NEXT)]
AfterNumber = Annotated[int, QueryParameter(ge=0, le=NUMBER_MAX, description=_NEXT)]


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """A page of a list; `next` is what to give as `after` for the one that follows, if any."""

    items: Sequence[Any]
    next: str | None


def next_of(items: Sequence[T], limit: int, cursor_of: Callable[[T], str]) -> str | None:
    """What follows a page of at most `limit` items; None when it is not full."""
    return cursor_of(items[-1]) if len(items) == limit else None


def page(items: Sequence[T], limit: int, cursor_of: Callable[[T], str]) -> Page:
    """A page of at most `limit` items; a full one tells how to go on."""
    return Page(items=items, next=next_of(items, limit, cursor_of))
