"""Lists that are answered page by page."""

from collections.abc import Callable, Iterator
from typing import Any

ITEMS_AT_ONCE = 1000


def all_items(ask: Callable[[dict[str, Any]], Any]) -> Iterator[dict[str, Any]]:
    """Every item of a list; `ask` answers the page that it is given the parameters of."""
    asked: dict[str, Any] = {"limit": ITEMS_AT_ONCE}
    while True:
        page = ask(asked)
        yield from page["items"]
        if page["next"] is None:
            return
        asked = asked | {"after": page["next"]}
