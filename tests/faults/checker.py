"""What must hold at every moment, cheap enough to be looked at after every fault."""

from deploy.local.services import CHAIN, SERVICES
from tests.faults.field import Field
from tests.faults.play import Wrong

GONE_BACK = "select count(*) from offset_gone_back"
LEDGER = "select coalesce(sum(amount_cents), 0)::bigint from ledger_entry"
UNBALANCED = """
    select count(*) from (
        select from ledger_entry group by posting_id having sum(amount_cents) <> 0
    ) as unbalanced
"""
HEARERS = [service for service in SERVICES if service != CHAIN[0]]


async def check(field: Field) -> None:
    """Raise `Wrong` when something is not as it must always be: the order of the log inside each
    aggregate, stored offsets, the ledger, one answer for one order.
    """
    field.listener.check()
    wrong = [*field.listener.wrong, *field.driver.answered_differently]
    wrong += [
        f"offsets of {service} have gone back {back} times"
        for service in HEARERS
        if (back := await field.ask(service, GONE_BACK))
    ]
    if cents := await field.ask("payments", LEDGER):
        wrong.append(f"the ledger is off by {cents} cents")
    if unbalanced := await field.ask("payments", UNBALANCED):
        wrong.append(f"{unbalanced} postings do not sum to zero")
    if gaps := (await field.counters())["gaps"]:
        wrong.append(f"a consumer went on {gaps} times further than it stood")
    if wrong:
        raise Wrong("; ".join(wrong[:5]))
