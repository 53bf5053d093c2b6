"""The entries that one order records or replaces whole: the last order is what they are."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import msgspec

from contracts.events.membership import MembershipEvent
from services.membership.domain import Cpts
from services.membership.domain.refusals import Refusal
from services.membership.http.ordering import announce_of, created, locked_cpts, unless_refused
from services.membership.http.shown import shown
from services.membership.store import entries
from services.messaging.orders import Answer, Order

E = TypeVar("E", bound=msgspec.Struct)

Decide = Callable[[Cpts, E, E | None], Awaitable[Sequence[MembershipEvent] | Refusal]]
"""What follows from an entry beside itself, given its present state; or why it is refused."""


async def put_entry(
    order: Order,
    asked: E,
    cpts_id: str,
    entry_id: str,
    decide: Decide[E],
    shape: type[msgspec.Struct],
    **more: Any,
) -> Answer:
    """Record an entry as it is from now on: 201 when it is new, 200 when it was known.

    `more` is shown with it.
    """
    connection = order.unit.connection
    cpts = await locked_cpts(order, cpts_id)
    present = await entries.present_one(connection, type(asked), cpts_id, entry_id)
    if asked != present:
        following = unless_refused(await decide(cpts, asked, present))
        await announce_of(order, cpts, [asked, *following])  # type: ignore[list-item]
    return created(shown(asked, shape, **more), is_new=present is None)
