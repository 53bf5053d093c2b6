"""Where orders of payment, and what is still open of the sums they take, are not as foreseen."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from deploy.local.demo.oracle_banking import Banking, Sum, Transfer
from deploy.local.demo.oracle_dues import Dues
from deploy.local.demo.reader import Difference, Reader, differing

Open = Mapping[Sum, tuple[int, int, int]]


async def banking_differences(
    reader: Reader, banking: Banking, dues: Mapping[str, Dues], today: date
) -> list[Difference]:
    """The orders of the caisse to each CPTS, and of each CPTS to its members, with what is open."""
    differences: list[Difference] = []
    for cpts_id, due in sorted(dues.items()):
        told = await _all(reader, f"/cpts/{cpts_id}/payment-orders")
        foreseen = [one for one in banking.transfers if one.payee == (cpts_id, None)]
        differences += transfer_differences(cpts_id, foreseen, told)
        shown = await _all(reader, f"/cpts/{cpts_id}/open-dues")
        differences += open_differences(cpts_id, banking.open_dues(cpts_id, due), shown)
        members = banking.members_of(cpts_id)
        if not members:
            continue
        told = await _all(reader, f"/cpts/{cpts_id}/member-payment-orders")
        payees = [(cpts_id, rpps) for rpps in members]
        foreseen = [one for one in banking.transfers if one.payee in payees]
        differences += transfer_differences(cpts_id, foreseen, told)
        still_open = await _all(reader, f"/cpts/{cpts_id}/open-indemnities")
        for payee in payees:
            is_open = banking.open_indemnities(payee, today)
            shown = [one for one in still_open if one["rpps"] == payee[1]]
            differences += open_differences(f"{cpts_id}/{payee[1]}", is_open, shown)
    return differences


async def _all(reader: Reader, path: str) -> list[dict[str, Any]]:
    return [one async for one in reader.items("payments", path)]


def transfer_differences(
    cpts_id: str, foreseen: Sequence[Transfer], told: Sequence[Mapping[str, Any]]
) -> Iterator[Difference]:
    """Where orders of payment, as the service shows them, are not as foreseen, field by field."""
    wanted = {one.order_id: (_name(one.batch_id, one.payee[1]), _fields(one)) for one in foreseen}
    found = {
        one["order"]["order_id"]: (
            _name(one["order"]["batch_id"], one["order"]["rpps"]),
            _told(one),
        )
        for one in told
    }
    for order_id in sorted(wanted.keys() | found.keys()):
        name, expected = wanted.get(order_id, (found.get(order_id, ("", {}))[0], {}))
        actual = found[order_id][1] if order_id in found else {}
        for field in expected or actual:
            if expected.get(field) != actual.get(field):
                yield Difference(
                    what="virement",
                    where=f"{cpts_id}/{name}/{field}",
                    expected=expected.get(field),
                    found=actual.get(field),
                )


def open_differences(
    where: str, foreseen: Open, told: Sequence[Mapping[str, Any]]
) -> Iterator[Difference]:
    """Where what is open of sums is another: what is due of each, ordered, and how often."""
    wanted = {_sum_name(key): list(one) for key, one in foreseen.items()}
    found = {
        _sum_name((one.get("starts_on"), one.get("due_id") or one["indemnity_id"])): [
            *(one["amount_cents"], one["ordered_cents"], one["tranches"])
        ]
        for one in told
    }
    return differing("reste à payer", where, wanted, found)


def _name(batch_id: str, rpps: str | None) -> str:
    return batch_id if rpps is None else f"{batch_id}/{rpps}"


def _sum_name(key: tuple[Any, str]) -> str:
    return key[1] if key[0] is None else f"{key[0]}/{key[1]}"


def _fields(one: Transfer) -> dict[str, Any]:
    (account_id, version), (payer_account_id, payer_version) = one.accounts
    return {
        "amount_cents": one.cents,
        "state": one.state,
        "reason": one.reason,
        "ordered_on": one.ordered_on.isoformat(),
        "execute_on": one.execute_on.isoformat(),
        "answered_on": one.answered_on and one.answered_on.isoformat(),
        "accounts": [account_id, version, payer_account_id, payer_version],
        "sums": {_sum_name(key): list(part) for key, part in one.parts.items()},
    }


def _told(one: Mapping[str, Any]) -> dict[str, Any]:
    order = one["order"]
    names = ("account_id", "account_version", "payer_account_id", "payer_account_version")
    sums = [((due["starts_on"], due["due_id"]), due) for due in one["dues"]]
    sums += [((None, other["indemnity_id"]), other) for other in one["indemnities"]]
    kept = ("amount_cents", "state", "reason", "ordered_on", "execute_on", "answered_on")
    return {name: order[name] for name in kept} | {
        "accounts": [order[name] for name in names],
        "sums": {_sum_name(key): [of["tranche"], of["amount_cents"]] for key, of in sums},
    }
