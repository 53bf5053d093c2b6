"""Falsifies what membership knows of the life of CPTS: the deadlines of their missions.

As in `sabotage`, by SQL behind the service's back.
"""

from collections.abc import Awaitable, Callable

from deploy.local.demo.chain import Chain
from deploy.local.demo.sabotage_dues import once_there

_YEAR_LATER = """
    update mission_deadline set due_on = due_on + 365
    where cpts_id = '95-haut-val' and mission = 'prevention' and step = 'start'
      and not is_missed_said
"""


async def _put_deadline_off(chain: Chain) -> None:
    """Before it is missed, it has another day; nothing is told of those missions any more."""
    await once_there(chain, _YEAR_LATER, service="membership")


SABOTAGES_OF_LIFE: dict[str, Callable[[Chain], Awaitable[None]]] = {
    "deadline-put-off": _put_deadline_off,
}
