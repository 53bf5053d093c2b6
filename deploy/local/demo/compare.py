"""Reads the services over HTTP and lists where they differ from what the oracle foresees."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import httpx

from deploy.local.demo.compare_levels import evidence_differences, level_differences
from deploy.local.demo.compare_life import life_differences
from deploy.local.demo.compare_money import VARIABLE_ACCOUNT, money_differences
from deploy.local.demo.oracle import Oracle
from deploy.local.demo.oracle_attribution import (
    AMBIGUOUS,
    NO_CPTS,
    SAME_MINUTE,
    WRONG_DIGIT,
    Case,
)
from deploy.local.demo.oracle_figures import Outlook
from deploy.local.demo.oracle_referrals import Referral
from deploy.local.demo.oracle_steering import steering
from deploy.local.demo.orders import Order
from deploy.local.demo.reader import Difference, Reader, refused
from deploy.local.paging import ITEMS_AT_ONCE
from deploy.local.services import SERVICES

SHOWN_FACTS_MAX = 5
DOUBTS = (NO_CPTS, AMBIGUOUS, SAME_MINUTE, WRONG_DIGIT)


async def compare(
    urls: Mapping[str, str],
    orders: Sequence[Order],
    outcomes: Mapping[int, str],
    oracle: Oracle,
    outlook: Outlook,
) -> list[Difference]:
    """Every difference between the services and the oracle, in the order of the chain."""
    async with Reader(urls) as reader:
        parts = await asyncio.gather(
            _referrals(reader, oracle),
            _figures(reader, outlook),
            _values(reader, outlook),
            _steering(reader, oracle),
            _lists(reader, outlook),
            level_differences(reader, oracle.levels, oracle.declarations, oracle.evidence),
            evidence_differences(reader, oracle.evidence),
            life_differences(reader, oracle.contracts, oracle.ends_on),
            money_differences(reader, oracle, outlook),
            _soundness(reader, outlook),
        )
    return [
        *_outcomes(orders, outcomes, oracle),
        *(difference for part in parts for difference in part),
    ]


def _outcomes(
    orders: Sequence[Order], outcomes: Mapping[int, str], oracle: Oracle
) -> Iterator[Difference]:
    for order in orders:
        expected, found = oracle.outcomes[order.n], outcomes.get(order.n, "no answer")
        if expected != found:
            yield Difference(
                what="ordre",
                where=f"n° {order.n} {order.method} {order.path} ({order.at.isoformat()})",
                expected=expected,
                found=found,
            )


async def _referrals(reader: Reader, oracle: Oracle) -> list[Difference]:
    found = {one["referral_id"]: one async for one in reader.items("referrals", "/referrals")}
    return list(referral_differences(oracle.referrals, found))


def referral_differences(
    foreseen: Mapping[str, Referral], found: Mapping[str, Mapping[str, Any]]
) -> Iterator[Difference]:
    """Where the referrals as the service shows them, by id, are not as they were foreseen."""
    for id_ in sorted(foreseen.keys() | found.keys()):
        if id_ not in foreseen or id_ not in found:
            states = (
                foreseen[id_].state if id_ in foreseen else None,
                found[id_]["state"] if id_ in found else None,
            )
            yield Difference(what="demande", where=id_, expected=states[0], found=states[1])
            continue
        for name, expected in _foreseen_fields(foreseen[id_]).items():
            actual = found[id_][name]
            if isinstance(expected, datetime) and actual is not None:
                actual = datetime.fromisoformat(actual).astimezone(expected.tzinfo)
            if expected != actual:
                where = f"{id_}/{name}"
                yield Difference(what="demande", where=where, expected=expected, found=actual)


def _foreseen_fields(referral: Referral) -> dict[str, Any]:
    """What must stand of a referral: where it is, its limits, its appointment, how it ended."""
    fields: dict[str, Any] = {
        "state": referral.state,
        "cpts_id": referral.cpts_id,
        "see_by": referral.see_by,
        "answer_by": referral.answer_by,
        "accepted_at": referral.accepted_at,
        "starts_at": referral.starts_at,
        "practitioner_rpps": referral.rpps,
    }
    if referral.state == "expired":
        fields["changed_at"] = referral.answered_at
    if referral.state in ("declined", "returned"):
        fields["outcome"] = referral.reason
    return fields


async def _figures(reader: Reader, outlook: Outlook) -> list[Difference]:
    async def one(cpts_id: str, indicator: str, year: str, facts: set[str]) -> list[Difference]:
        where = f"{cpts_id}/{indicator}/{year}"
        path = f"/cpts/{cpts_id}/figures/{indicator}/{year}"
        try:
            value = (await reader.get("indicators", path))["value"]
            counted = {
                item["fact_id"] async for item in reader.items("indicators", f"{path}/facts")
            }
        except httpx.HTTPStatusError as error:
            return [refused("chiffre", where, len(facts), error)]
        found = []
        if value != len(facts):
            found.append(Difference(what="chiffre", where=where, expected=len(facts), found=value))
        if counted != facts:
            found.append(_facts_differ(where, facts, counted))
        return found

    parts = await asyncio.gather(
        *(
            one(cpts_id, indicator, year.isoformat(), facts)
            for (cpts_id, indicator, year), facts in sorted(outlook.facts.items())
        )
    )
    return [difference for part in parts for difference in part]


async def _values(reader: Reader, outlook: Outlook) -> list[Difference]:
    """The figures that are not a number of facts: added up, or told by the caisse."""
    differences = []
    for (cpts_id, indicator, year), expected in sorted(outlook.values.items()):
        where = f"{cpts_id}/{indicator}/{year.isoformat()}"
        path = f"/cpts/{cpts_id}/figures/{indicator}/{year.isoformat()}"
        try:
            found = (await reader.get("indicators", path))["value"]
        except httpx.HTTPStatusError as error:
            differences.append(refused("chiffre", where, expected, error))
            continue
        if found != expected:
            differences.append(
                Difference(what="chiffre", where=where, expected=expected, found=found)
            )
    return differences


async def _steering(reader: Reader, oracle: Oracle) -> list[Difference]:
    """What a CPTS steers by, of every contract year."""
    differences = []
    for (cpts_id, year), expected in steering(oracle).items():
        where = f"{cpts_id}/{year.isoformat()}"
        try:
            told = await reader.get("indicators", f"/cpts/{cpts_id}/steering/{year.isoformat()}")
        except httpx.HTTPStatusError as error:
            differences.append(refused("pilotage", where, expected, error))
            continue
        differences += [
            Difference(
                what="pilotage",
                where=f"{where}/{name}",
                expected=value,
                found=told[name],
            )
            for name, value in expected.items()
            if told[name] != value
        ]
    return differences


def _facts_differ(where: str, expected: set[str], found: set[str]) -> Difference:
    """The facts that are missing and those that are too many, the first few of each."""
    return Difference(
        what="faits",
        where=where,
        expected=sorted(expected - found)[:SHOWN_FACTS_MAX],
        found=sorted(found - expected)[:SHOWN_FACTS_MAX],
    )


async def _lists(reader: Reader, outlook: Outlook) -> list[Difference]:
    differences = []
    path = "/worklists/attribution"
    for kind in DOUBTS:
        expected = outlook.doubtful(kind)
        found = {
            item["appointment_id"] async for item in reader.items("indicators", path, kind=kind)
        }
        if found != expected:
            differences.append(_facts_differ(f"{path}/{kind}", expected, found))
    told = {one["appointment_id"]: one async for one in reader.items("indicators", path)}
    return [*differences, *case_differences(outlook.cases, told)]


def case_differences(
    foreseen: Mapping[str, Case], told: Mapping[str, Mapping[str, Any]]
) -> Iterator[Difference]:
    """Where a doubtful or decided appointment counts otherwise, or is open or decided otherwise."""
    listed = {id_: case for id_, case in foreseen.items() if case.is_listed}
    for id_ in sorted(listed.keys() | told.keys()):
        case, one = listed.get(id_), told.get(id_)
        expected = case and [
            *(case.cpts_id, case.outcome, case.state, case.twin),
            *([*case.candidates], sorted(case.doubts)),
        ]
        found = one and [
            *(one["cpts_id"], one["outcome"], one["state"], one["twin"]),
            *([*one["candidates"]], sorted(one["kinds"])),
        ]
        if expected != found:
            yield Difference(what="attribution", where=id_, expected=expected, found=found)


async def _soundness(reader: Reader, outlook: Outlook) -> list[Difference]:
    """The ledger sums to zero, the invariants hold, nothing waits, no dead letter."""
    path = "/ledger/balances"
    expense = {one["account"]: one["balance_cents"] async for one in reader.items("payments", path)}
    checks: list[tuple[str, str, Any, Any]] = [
        ("grand livre", "somme", 0, (await reader.get("payments", path))["sum_cents"]),
        (
            "grand livre",
            VARIABLE_ACCOUNT,
            sum(outlook.cents.values()),
            expense.get(VARIABLE_ACCOUNT, 0),
        ),
    ]
    for service in ("indicators", "payments"):
        invariants = await reader.get(service, "/invariants")
        checks += [
            ("invariant", f"{service}.{name}", True, holds) for name, holds in invariants.items()
        ]
    for service in SERVICES:
        letters = await reader.get(service, "/dead-letters", with_replayed="true")
        checks.append(("lettres mortes", service, 0, len(letters["items"])))
    for name in ("held", "offered"):
        page = await reader.get("referrals", f"/worklists/{name}", limit=ITEMS_AT_ONCE)
        checks.append(("liste d'attente", name, 0, len(page["items"])))
    return [
        Difference(what=what, where=where, expected=expected, found=found)
        for what, where, expected, found in checks
        if expected != found
    ]
