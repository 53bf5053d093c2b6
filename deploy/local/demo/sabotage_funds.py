"""Falsifies what payments knows of the money that moves: sums to members, uses of funds.

As in `sabotage_dues`, by SQL behind the service's back.
"""

from collections.abc import Awaitable, Callable

from deploy.local.demo.chain import Chain
from deploy.local.demo.sabotage_dues import once_there

_PAID_BY_ONE = "delete from indemnity where cpts_id = '95-parisis-ouest'"
_OTHER_CATEGORY = """
    update ledger_entry set account = 'use:95-haut-val:materiel'
    where account = 'use:95-haut-val:locaux'
"""


async def _forget_other_cpts(chain: Chain) -> None:
    """As soon as two CPTS have paid one professional: what one of them paid counts no longer."""
    await once_there(chain, _PAID_BY_ONE)


async def _misfile_use(chain: Chain) -> None:
    await once_there(chain, _OTHER_CATEGORY)


SABOTAGES_OF_FUNDS: dict[str, Callable[[Chain], Awaitable[None]]] = {
    "ceiling-of-one-cpts": _forget_other_cpts,
    "use-misfiled": _misfile_use,
}
