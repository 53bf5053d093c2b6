"""Falsifies what membership knows of the life of CPTS, and others of it: the deadlines of their
missions, a merger, a split.

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
# For indicators its FINESS goes on meaning the CPTS that is gone.
_NEVER_MERGED = """
    update cpts set merged_on = null, into_cpts_id = null where merged_on is not null
"""
# For referrals the place is still the one's from which it was split.
_NEVER_SPLIT = """
    update territory_entry
    set cpts_id = case cpts_id when '95-rive' then '95-vexin-nouveau' else '95-rive' end
    where commune = '95039' and cpts_id in ('95-rive', '95-vexin-nouveau')
      and exists (select from territory_entry where cpts_id = '95-vexin-nouveau')
"""


async def _put_deadline_off(chain: Chain) -> None:
    """Before it is missed, it has another day; nothing is told of those missions any more."""
    await once_there(chain, _YEAR_LATER, service="membership")


async def _forget_merger(chain: Chain) -> None:
    await once_there(chain, _NEVER_MERGED, service="indicators")


async def _forget_split(chain: Chain) -> None:
    """As soon as it is known: the demands of the day from which it holds go to the other."""
    await once_there(chain, _NEVER_SPLIT, service="referrals")


SABOTAGES_OF_LIFE: dict[str, Callable[[Chain], Awaitable[None]]] = {
    "deadline-put-off": _put_deadline_off,
    "merger-forgotten": _forget_merger,
    "split-forgotten": _forget_split,
}
