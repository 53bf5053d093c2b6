"""What the services hold at the end of a season: the totals of `var/demo.json`."""

from collections.abc import Mapping

import msgspec

from deploy.local.demo.chain import Chain
from deploy.local.demo.compare import VARIABLE_ACCOUNT, Reader


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """`demands` are distinct referrals, however often each was ordered; `appointments` those agreed
    through us, whatever became of them, and those that the SAS platform told about.
    """

    demands: int
    appointments: int
    events: int
    variable_cents: int


async def totals(urls: Mapping[str, str], chain: Chain) -> Totals:
    """Count over HTTP, and in the databases what no route counts."""
    async with Reader(urls) as reader:
        accepted_at = [one["accepted_at"] async for one in reader.items("referrals", "/referrals")]
        balances = await reader.get("payments", "/ledger/balances")
    told = await chain.databases["referrals"].fetchval("select count(*) from platform_appointment")
    cents = {one["account"]: one["balance_cents"] for one in balances["items"]}
    return Totals(
        demands=len(accepted_at),
        appointments=sum(one is not None for one in accepted_at) + told,
        events=await chain.events(),
        variable_cents=cents.get(VARIABLE_ACCOUNT, 0),
    )
