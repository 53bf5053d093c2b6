"""What `var/demo.json` counts: what the services hold at the end of a season, and how much of it
was compared with the oracle.
"""

from collections.abc import Mapping

import msgspec

from deploy.local.demo.chain import Chain
from deploy.local.demo.compare_money import VARIABLE_ACCOUNT
from deploy.local.demo.oracle import Oracle
from deploy.local.demo.oracle_figures import Outlook
from deploy.local.demo.reader import Reader


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """`demands` are distinct referrals, however often each was ordered; `appointments` those agreed
    through us, whatever became of them, and those that the SAS platform told about.
    """

    demands: int
    appointments: int
    events: int
    variable_cents: int


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """How many of each the oracle foresaw: outcomes of orders, demands, figures, contract years
    with their cents, sums that fell due (`held` of them are), years settled, adjustments, sums to
    members, uses of funds, orders to banks, deadlines of missions.
    """

    orders: int
    demands: int
    figures: int
    contract_years: int
    dues: int
    held: int
    settled: int
    adjusted: int
    indemnities: int
    uses: int
    transfers: int
    deadlines: int


def compared(oracle: Oracle, outlook: Outlook) -> Compared:
    """What the comparison of a season looks at."""
    dues = [due for sums in outlook.dues.values() for due in sums.values()]
    dialogues = oracle.payments.dialogues.held.values()
    return Compared(
        orders=len(oracle.outcomes),
        demands=len(oracle.referrals),
        figures=len(outlook.facts) + len(outlook.values),
        contract_years=len(outlook.cents),
        dues=len(dues),
        held=sum(due.is_held for due in dues),
        settled=sum(one.settled is not None for one in dialogues),
        adjusted=sum(len(one.adjusted) for one in dialogues),
        indemnities=len(oracle.payments.funds.indemnities),
        uses=len(oracle.payments.funds.uses),
        transfers=len(oracle.payments.banking.transfers),
        deadlines=sum(len(one.deadlines) for one in oracle.contracts.cpts.values()),
    )


async def totals(urls: Mapping[str, str], chain: Chain) -> Totals:
    """Count over HTTP, and in the databases what no route counts."""
    async with Reader(urls) as reader:
        accepted_at = [one["accepted_at"] async for one in reader.items("referrals", "/referrals")]
        cents = {
            one["account"]: one["balance_cents"]
            async for one in reader.items("payments", "/ledger/balances")
        }
    told = await chain.databases["referrals"].fetchval("select count(*) from platform_appointment")
    return Totals(
        demands=len(accepted_at),
        appointments=sum(one is not None for one in accepted_at) + told,
        events=await chain.events(),
        variable_cents=cents.get(VARIABLE_ACCOUNT, 0),
    )
