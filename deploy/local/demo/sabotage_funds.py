"""Falsifies what payments knows of the money that moves: sums to members, uses of funds, orders to
banks.

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
_REJECTED_IS_PAID = """
    update payment_order set state = 'executed'
    where state = 'rejected' and cpts_id = '95-parisis-est'
"""
_LESS_WAS_PAID = """
    update payment_order_line set amount_cents = 7000000
    where cpts_id = '95-parisis-ouest' and due_id = 'fonctionnement:signature' and tranche = 1
"""
_REPORT_MISREAD = """
    update payment_order set state = 'executed', reason = null
    where state = 'rejected' and batch_id = 'membres-2'
"""


async def _forget_other_cpts(chain: Chain) -> None:
    """As soon as two CPTS have paid one professional: what one of them paid counts no longer."""
    await once_there(chain, _PAID_BY_ONE)


async def _misfile_use(chain: Chain) -> None:
    await once_there(chain, _OTHER_CATEGORY)


async def _ignore_rejection(chain: Chain) -> None:
    """As soon as a bank has rejected an order: what it took is not ordered again."""
    await once_there(chain, _REJECTED_IS_PAID)


async def _forgive_overpayment(chain: Chain) -> None:
    """As soon as too much is ordered: nothing of it is taken back from the next sums."""
    await once_there(chain, _LESS_WAS_PAID)


async def _misread_report(chain: Chain) -> None:
    """As soon as a bank's report rejects an order: it counts as paid."""
    await once_there(chain, _REPORT_MISREAD)


SABOTAGES_OF_FUNDS: dict[str, Callable[[Chain], Awaitable[None]]] = {
    "ceiling-of-one-cpts": _forget_other_cpts,
    "use-misfiled": _misfile_use,
    "rejection-ignored": _ignore_rejection,
    "overpayment-forgiven": _forgive_overpayment,
    "report-misread": _misread_report,
}
