"""Lists in pages: a cursor names the last item, so that pages stay right while the list grows."""

import base64
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, TypeVar

import msgspec
from litestar.exceptions import ValidationException
from litestar.params import QueryParameter

from services.referrals.store.referrals import Cursor

T = TypeVar("T")
Limit = Annotated[int, QueryParameter(ge=1, le=1000, description="Nombre d'éléments par page")]
After = Annotated[str | None, QueryParameter(description="Le `next` de la page précédente")]


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """A page; `next` is None on the last one."""

    items: list[Any]
    next: str | None


def page(items: Sequence[T], limit: int, cursor_of: Callable[[T], str]) -> Page:
    """A page of at most `limit` items; a full one tells how to go on."""
    is_full = len(items) == limit
    return Page(items=list(items), next=cursor_of(items[-1]) if is_full else None)


def write_cursor(instant: datetime, identifier: str) -> str:
    """The cursor of an item of a list ordered by an instant, then an id."""
    return base64.urlsafe_b64encode(f"{instant.isoformat()} {identifier}".encode()).decode()


def read_cursor(text: str | None) -> Cursor:
    """What `write_cursor` wrote; (None, None) at the beginning. ValidationException if altered."""
    if text is None:
        return None, None
    try:
        instant, _, identifier = base64.urlsafe_b64decode(text).decode().partition(" ")
        return datetime.fromisoformat(instant), identifier
    except ValueError as error:
        raise ValidationException("after: ce curseur ne vient pas d'ici") from error
