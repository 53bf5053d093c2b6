"""Where the money is not as the oracle foresees it: cents of accounts, sums that fell due, what was
settled, what CPTS paid and used, what went through banks, and the ledger behind each.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

import httpx
import msgspec

from deploy.local.demo.compare_banking import banking_differences
from deploy.local.demo.compare_funds import funds_differences
from deploy.local.demo.oracle import Oracle
from deploy.local.demo.oracle_dues import Due, Dues
from deploy.local.demo.oracle_figures import Outlook
from deploy.local.demo.oracle_line_files import lines_of, rows_of
from deploy.local.demo.oracle_lines import Line, with_way
from deploy.local.demo.oracle_payments import Payments
from deploy.local.demo.oracle_settlement import Dialogue
from deploy.local.demo.reader import Difference, Reader, differing, refused

VARIABLE_ACCOUNT = "expense:aci:variable"
SETTLED = ("settled_on", "variable_cents", "without_agreement", "without_visa")
FOLLOWED = ("owed:", "held:", "use:", "member:", "bank:")


async def money_differences(reader: Reader, oracle: Oracle, outlook: Outlook) -> list[Difference]:
    """Every difference about money, accounts first."""
    balances = {
        one["account"]: one["balance_cents"]
        async for one in reader.items("payments", "/ledger/balances")
    }
    parts = await asyncio.gather(
        _cents(reader, oracle, outlook, balances),
        _dues(reader, outlook),
        _dialogues(reader, oracle, outlook),
        _imported(reader, oracle.payments),
        funds_differences(reader, oracle.payments.funds),
        banking_differences(reader, oracle.payments.banking, outlook.dues, oracle.ends_on),
    )
    return [
        *(difference for part in parts for difference in part),
        *account_differences(outlook.accounts, balances),
    ]


async def _cents(
    reader: Reader, oracle: Oracle, outlook: Outlook, balances: Mapping[str, int]
) -> list[Difference]:
    """The cents of each account, as payments computes them and as its ledger has them: of a settled
    year nothing is left of what was estimated.
    """
    differences = []
    for cpts_id in sorted({cpts_id for cpts_id, _ in outlook.cents}):
        try:
            funding = await reader.get("payments", f"/cpts/{cpts_id}/funding")
        except httpx.HTTPStatusError as error:
            differences.append(refused("centimes", cpts_id, "un financement", error))
            continue
        years = {one["starts_on"]: one["variable_cents"] for one in funding["contract_years"]}
        for (of_cpts, year), cents in sorted(outlook.cents.items()):
            if of_cpts != cpts_id:
                continue
            where = f"{cpts_id}/{year.isoformat()}"
            found = years.get(year.isoformat(), 0)
            if found != cents:
                differences.append(
                    Difference(what="centimes", where=where, expected=cents, found=found)
                )
            dialogue = oracle.payments.dialogues.of(cpts_id, year)
            estimated = 0 if dialogue is not None and dialogue.settled else cents
            posted = -balances.get(f"payable:{cpts_id}:{year.isoformat()}", 0)
            if posted != estimated:
                differences.append(
                    Difference(what="grand livre", where=where, expected=estimated, found=posted)
                )
    return differences


async def _imported(reader: Reader, payments: Payments) -> list[Difference]:
    """The lines of each year that came from a file, as a file that could be sent again."""
    differences = []
    for cpts_id, year in sorted(payments.imported):
        where = f"{cpts_id}/{year.isoformat()}"
        path = f"/cpts/{cpts_id}/contract-years/{year.isoformat()}/lines"
        expected = payments.lines[cpts_id, year]
        try:
            media_type, content = await reader.file("payments", path)
        except httpx.HTTPStatusError as error:
            differences.append(refused("lignes", where, expected, error))
            continue
        differences += line_differences(where, expected, media_type, content)
    return differences


def line_differences(
    where: str, foreseen: Mapping[str, Line], media_type: str, content: bytes
) -> Iterator[Difference]:
    """Where the lines in a file are not those that were foreseen."""
    rows = rows_of(media_type, content)
    told = None if isinstance(rows, str) else lines_of(rows, {})
    found = {id_: with_way(line) for id_, line in (told or {}).items()}
    expected = {id_: with_way(line) for id_, line in foreseen.items()}
    return differing("ligne", where, expected, found)


async def _dues(reader: Reader, outlook: Outlook) -> list[Difference]:
    """Every sum that fell due to each CPTS."""
    differences: list[Difference] = []
    for cpts_id, dues in sorted(outlook.dues.items()):
        try:
            told = [one async for one in reader.items("payments", f"/cpts/{cpts_id}/dues")]
        except httpx.HTTPStatusError as error:
            differences.append(refused("échéance", cpts_id, len(dues), error))
            continue
        differences += due_differences(cpts_id, dues, told)
    return differences


def due_differences(
    cpts_id: str, foreseen: Dues, told: Iterable[Mapping[str, Any]]
) -> Iterator[Difference]:
    """Where the sums as the service shows them are not as they were foreseen; one of 0 is none."""
    found: Dues = {
        (date.fromisoformat(one["starts_on"]), one["due_id"]): Due(
            one["kind"],
            one["amount_cents"],
            date.fromisoformat(one["due_on"]),
            one["is_held"],
        )
        for one in told
        if one["amount_cents"]
    }
    for key in sorted(foreseen.keys() | found.keys()):
        if foreseen.get(key) != found.get(key):
            yield Difference(
                what="échéance",
                where=f"{cpts_id}/{key[0].isoformat()}/{key[1]}",
                expected=msgspec.to_builtins(foreseen.get(key)),
                found=msgspec.to_builtins(found.get(key)),
            )


def account_differences(
    foreseen: Mapping[str, int], balances: Mapping[str, int]
) -> Iterator[Difference]:
    """Where the ledger has another balance of what is owed, held, used, or in a bank."""
    posted = {name: cents for name, cents in balances.items() if name.startswith(FOLLOWED)}
    for account in sorted(foreseen.keys() | posted.keys()):
        expected, found = foreseen.get(account, 0), posted.get(account, 0)
        if expected != found:
            yield Difference(what="grand livre", where=account, expected=expected, found=found)


async def _dialogues(reader: Reader, oracle: Oracle, outlook: Outlook) -> list[Difference]:
    """The dialogue of each contract year, what was settled in it and adjusted after it."""
    differences: list[Difference] = []
    for cpts_id, year in sorted(outlook.cents):
        where = f"{cpts_id}/{year.isoformat()}"
        path = f"/cpts/{cpts_id}/contract-years/{year.isoformat()}/dialogue"
        dialogues = oracle.payments.dialogues
        foreseen = _foreseen_fields(dialogues.of(cpts_id, year))
        best = dialogues.best(cpts_id, year)
        foreseen["standing"] = {
            name: [one.value, one.level, one.answer] for name, one in best.items()
        }
        try:
            told = await reader.get("payments", path)
        except httpx.HTTPStatusError as error:
            differences.append(refused("arrêté", where, foreseen, error))
            continue
        differences += dialogue_differences(where, foreseen, told)
    return differences


def dialogue_differences(
    where: str, foreseen: Mapping[str, Any], told: Mapping[str, Any]
) -> Iterator[Difference]:
    """Where a dialogue as the service shows it is not as it was foreseen."""
    settled = told["settled"]
    found = {
        "opened_on": told["opened_on"],
        "values": {one["indicator"]: one["validated_value"] for one in told["lines"]},
        "standing": {
            name: [one["value"], one["level"], one["answer"]]
            for name, one in told["standing"].items()
        },
        "settled": settled and [settled[name] for name in SETTLED],
        "adjusted": [
            [one["due_year_starts_on"], one["due_id"], one["adjusted_on"], one["amount_cents"]]
            for one in told["adjusted"]
        ],
        "due_cents": told["due_cents"],
    }
    for name, expected in foreseen.items():
        if expected != found[name]:
            yield Difference(
                what="arrêté", where=f"{where}/{name}", expected=expected, found=found[name]
            )


def _foreseen_fields(dialogue: Dialogue | None) -> dict[str, Any]:
    """What must stand of a year's dialogue; as good as empty where there is none."""
    settled = dialogue.settled if dialogue else None
    return {
        "opened_on": dialogue.opened_on.isoformat() if dialogue else None,
        "values": {name: value for name, (_, value) in dialogue.words.items()} if dialogue else {},
        "settled": settled
        and [
            *(settled.settled_on.isoformat(), settled.cents),
            *([*settled.without_agreement], [*settled.without_visa]),
        ],
        "adjusted": [
            [one.due_year.isoformat(), one.name, one.adjusted_on.isoformat(), one.cents]
            for one in (dialogue.adjusted if dialogue else ())
        ],
        "due_cents": dialogue.due_cents if dialogue else None,
    }
