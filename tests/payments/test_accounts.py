"""The payments service on a real Kafka and PostgreSQL: inputs in any order, one result."""

import random
import time
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Any

import httpx
import msgspec
import pytest

from contracts.events.indicators import FactChange, FigureChanged
from contracts.events.membership import AciSigned, ContractYear, CptsRegistered, TailleDetermined
from contracts.recorded import Cause, Recorded, record
from contracts.topics import INDICATORS, MEMBERSHIP
from deploy.local.stack import Stack
from services.messaging.clock import DrivenClock
from services.messaging.process import Running, running
from services.messaging.replaying import rebuild
from services.messaging.settings import Settings
from services.payments.app import RATES, SERVICE
from services.payments.store import inputs
from tests.publishing import publish

NOW = datetime(2026, 5, 4, 10, 0, tzinfo=UTC)
YEAR = ContractYear(starts_on=date(2026, 4, 15), ends_on=date(2027, 4, 14))
DEMANDS = "sas_demandes_avec_rdv"
DOCTORS = "sas_medecins_participants"
PARTITIONS = 2


class Payments:
    """The running service, and what others tell it."""

    def __init__(self, stack: Stack, run: Running) -> None:
        self.kafka, self.run = stack.kafka, run
        self.client = httpx.AsyncClient(base_url=run.address, timeout=20)

    async def hear(self, topic: Any, events: list[Recorded[Any]]) -> None:
        await publish(self.kafka, self.run.settings.namespace, topic, events, partitions=PARTITIONS)
        await self.run.caught_up()

    async def put(self, path: str, body: Any, **headers: str) -> httpx.Response:
        defaults = {"Acting-Role": "caisse", "Order-Instant": NOW.isoformat()}
        return await self.client.put(path, json=body, headers=defaults | headers)

    async def post(self, path: str, body: Any, **headers: str) -> httpx.Response:
        defaults = {"Acting-Role": "caisse", "Order-Instant": NOW.isoformat()}
        return await self.client.post(path, json=body, headers=defaults | headers)

    async def get(self, path: str) -> Any:
        answer = await self.client.get(path)
        assert answer.is_success, answer.text
        return answer.json()

    async def variable_cents(self, cpts_id: str) -> int:
        funding = await self.get(f"/cpts/{cpts_id}/funding")
        return int(funding["contract_years"][0]["variable_cents"])


@pytest.fixture
async def payments(
    stack: Stack, fresh_databases: dict[str, str], namespace: str
) -> AsyncIterator[Payments]:
    settings = Settings(
        service="payments",
        database_url=fresh_databases["payments"],
        kafka=stack.kafka,
        namespace=namespace,
        partitions=PARTITIONS,
    )
    async with running(SERVICE, settings, DrivenClock(NOW)) as run:
        until = time.monotonic() + 20
        while await run.pool.fetchval("select count(*) from rate") < len(RATES):
            assert time.monotonic() < until, "the rates of the files were not published"
        yield Payments(stack, run)


def told(event: Any, subject: str, sequence: int, departement: str = "95") -> Recorded[Any]:
    return record(
        [event],
        subject=subject,
        after_sequence=sequence - 1,
        departement=departement,
        occurred_at=NOW,
        cause=Cause(id=f"{subject}-{sequence}", recorded_at=NOW),
    )[0]


def contract(cpts_id: str, taille: int = 3) -> list[Recorded[Any]]:
    events = [
        CptsRegistered(cpts_id=cpts_id, cpts_name="CPTS", seat_commune="95018"),
        AciSigned(cpts_id=cpts_id, aci_id="a", signed_on=date(2026, 4, 1), contract_years=(YEAR,)),
        TailleDetermined(
            cpts_id=cpts_id, contract_year_starts_on=YEAR.starts_on, taille=taille, population=1
        ),
    ]
    return [told(event, cpts_id, place) for place, event in enumerate(events, start=1)]


def figure(cpts_id: str, value: int, revision: int, indicator: str = DEMANDS) -> Recorded[Any]:
    return told(
        FigureChanged(
            cpts_id=cpts_id,
            indicator=indicator,
            contract_year_starts_on=YEAR.starts_on,
            contract_year_ends_on=YEAR.ends_on,
            value=value,
            revision=revision,
            facts=(FactChange(fact_id=f"referral:{revision}", is_counted=True),),
        ),
        f"{cpts_id}/{indicator}/{YEAR.starts_on}",
        revision,
    )


def corrections(cpts_id: str) -> list[Recorded[Any]]:
    """The ACI moved, withdrawn, and at last given back its first day with another last one."""
    moved = ContractYear(starts_on=date(2026, 5, 1), ends_on=date(2027, 4, 30))
    shorter = ContractYear(starts_on=YEAR.starts_on, ends_on=date(2027, 4, 10))
    return [
        told(
            AciSigned(
                cpts_id=cpts_id,
                aci_id="a",
                signed_on=date(2026, 4, 1),
                contract_years=years,
                is_withdrawn=not years,
            ),
            cpts_id,
            sequence,
        )
        for sequence, years in ((4, (moved,)), (5, ()), (6, (shorter,)))
    ]


LINEAR = {"mission": "acces_aux_soins", "mode": "linear", "max_cents": 5_000_00, "target": 50}


def line_path(cpts_id: str, indicator: str = DEMANDS) -> str:
    return f"/cpts/{cpts_id}/contract-years/{YEAR.starts_on}/lines/{indicator}"


async def test_a_figure_becomes_an_estimate_a_posting_and_an_explanation(
    payments: Payments,
) -> None:
    await payments.hear(MEMBERSHIP, contract("c1"))
    assert (await payments.put(line_path("c1"), LINEAR)).status_code == 200
    await payments.hear(INDICATORS, [figure("c1", 1, 1), figure("c1", 2, 2)])
    assert await payments.variable_cents("c1") == 200_00
    items = (await payments.get(f"/cpts/c1/contract-years/{YEAR.starts_on}/estimates"))["items"]
    # heard in one batch or in two, each figure has its estimate
    assert [
        (one["figure_revision"], one["previous_cents"], one["variable_cents"])
        for one in items
        if one["reason"] == "figure"
    ] == [(1, 0, 100_00), (2, 100_00, 200_00)]
    explanation = await payments.get(f"/cpts/c1/contract-years/{YEAR.starts_on}/explanation")
    assert explanation["taille"] == 3
    assert explanation["missions"][0]["envelope_cents"] == 35_000_00
    assert explanation["missions"][0]["rate"]["is_verified"] is False
    (line,) = explanation["lines"]
    assert (line["rate_is_verified"], explanation["missions"][0]["unknown"]) == (False, None)
    assert line["figure"]["counting_rule"]
    assert line["facts"] == {"items": ["referral:1", "referral:2"], "next": None}
    balances = await payments.get("/ledger/balances")
    assert balances["sum_cents"] == 0
    assert {one["account"]: one["balance_cents"] for one in balances["items"]} == {
        "expense:aci:variable": 200_00,
        f"payable:c1:{YEAR.starts_on}": -200_00,
    }


async def test_a_new_figure_writes_an_estimate_even_when_the_cents_do_not_change(
    payments: Payments,
) -> None:
    await payments.hear(MEMBERSHIP, contract("c1"))
    await payments.hear(INDICATORS, [figure("c1", 1, 1)])
    estimates = (await payments.get(f"/cpts/c1/contract-years/{YEAR.starts_on}/estimates"))["items"]
    assert [one["reason"] for one in estimates][-1] == "figure"
    assert {one["variable_cents"] for one in estimates} == {0}
    assert (await payments.get("/ledger/entries?cpts_id=c1"))["items"] == []


async def test_inputs_in_any_order_give_the_same_cents(payments: Payments) -> None:
    orders = [figure("x", 7, 1), figure("x", 9, 2), figure("x", 3, 1, DOCTORS)]
    shuffler = random.Random(20260504)
    for number in range(6):
        cpts_id = f"c{number}"
        steps: list[Any] = [
            *[
                figure(cpts_id, one.event.value, one.event.revision, one.event.indicator)
                for one in orders
            ],
            "contract",
            *corrections(cpts_id),
            "demands line",
            "doctors line",
            figure(cpts_id, 7, 1),
        ]
        shuffler.shuffle(steps)
        registered = told(
            CptsRegistered(cpts_id=cpts_id, cpts_name="CPTS", seat_commune="95018"), cpts_id, 1
        )
        await payments.hear(MEMBERSHIP, [registered])
        for step in steps:
            if step == "contract":
                await payments.hear(MEMBERSHIP, contract(cpts_id, taille=1)[1:])
            elif step == "demands line":
                assert (await payments.put(line_path(cpts_id), LINEAR)).is_success
            elif step == "doctors line":
                body = LINEAR | {"mode": "all_or_nothing", "target": 3, "max_cents": 30_000_00}
                assert (await payments.put(line_path(cpts_id, DOCTORS), body)).is_success
            elif isinstance(step.event, AciSigned):
                await payments.hear(MEMBERSHIP, [step])
            else:
                await payments.hear(INDICATORS, [step])
        # 9 demands bring 900 €, the doctors 30 000 €: above the envelope of taille 1, 25 000 €
        assert await payments.variable_cents(cpts_id) == 25_000_00, steps
        funding = await payments.get(f"/cpts/{cpts_id}/funding")
        assert [one["ends_on"] for one in funding["contract_years"] if one["ends_on"]] == [
            "2027-04-10"
        ]
    invariants = await payments.get("/invariants")
    assert invariants["ledger_sums_to_zero"]
    assert invariants["accounts_equal_postings"]


async def test_a_corrected_aci_takes_its_vanished_year_away_and_gives_it_back(
    payments: Payments,
) -> None:
    await payments.hear(MEMBERSHIP, contract("c1"))
    await payments.put(line_path("c1"), LINEAR)
    await payments.hear(INDICATORS, [figure("c1", 2, 2)])
    assert await payments.variable_cents("c1") == 200_00

    def signed(sequence: int, *years: ContractYear, is_withdrawn: bool = False) -> Recorded[Any]:
        event = AciSigned(
            cpts_id="c1",
            aci_id="a",
            signed_on=date(2026, 4, 1),
            contract_years=years,
            is_withdrawn=is_withdrawn,
        )
        return told(event, "c1", sequence)

    await payments.hear(MEMBERSHIP, [signed(4, is_withdrawn=True)])
    assert await payments.variable_cents("c1") == 0
    estimates = await payments.get(f"/cpts/c1/contract-years/{YEAR.starts_on}/estimates")
    assert estimates["items"][-1]["reason"] == "contract"
    await payments.hear(MEMBERSHIP, [signed(6, YEAR)])
    assert await payments.variable_cents("c1") == 200_00
    # a correction that comes late, after the one that replaced it, changes nothing
    await payments.hear(MEMBERSHIP, [signed(5, is_withdrawn=True)])
    assert await payments.variable_cents("c1") == 200_00
    assert (await payments.get("/invariants"))["accounts_equal_postings"]


async def test_a_published_rate_prices_the_accounts_of_its_taille_again(
    payments: Payments,
) -> None:
    await payments.hear(MEMBERSHIP, contract("c1", taille=1))
    body = LINEAR | {"mode": "all_or_nothing", "target": 1, "max_cents": 40_000_00}
    await payments.put(line_path("c1"), body)
    await payments.hear(INDICATORS, [figure("c1", 1, 1)])
    assert await payments.variable_cents("c1") == 25_000_00
    rate = {
        "rate_id": "correction-1",
        "from_on": "2026-01-01",
        "taille": 1,
        "amount_cents": 28_000_00,
        "mission": "acces_aux_soins",
        "part": "variable",
        "text": "JO lu",
        "is_verified": True,
    }
    assert (await payments.post("/rates", rate)).status_code == 201
    assert await payments.variable_cents("c1") == 28_000_00
    assert (await payments.post("/rates", rate)).status_code == 200
    other = await payments.post("/rates", rate | {"amount_cents": 1})
    assert (other.status_code, other.json()["reason"]) == (409, "already_exists")


async def test_the_explanation_says_what_is_unknown_and_pages_the_facts_of_one_line(
    payments: Payments,
) -> None:
    await payments.hear(MEMBERSHIP, contract("c1")[:1])
    await payments.put(line_path("c1"), LINEAR)
    path = f"/cpts/c1/contract-years/{YEAR.starts_on}/explanation"
    (mission,) = (await payments.get(path))["missions"]
    assert (mission["rate_is_verified"], mission["amount_cents"]) == (False, 0)
    for known, unknown in (([], "contract_year"), (contract("c1")[1:2], "taille")):
        await payments.hear(MEMBERSHIP, known)
        (mission,) = (await payments.get(path))["missions"]
        assert mission["unknown"] == unknown
        (year,) = (await payments.get("/cpts/c1/funding"))["contract_years"]
        assert (year["variable_cents"], year["missions"][0]["unknown"]) == (0, unknown)
    await payments.hear(MEMBERSHIP, contract("c1")[2:])
    await payments.run.pool.execute("delete from rate where mission = 'prevention'")
    await payments.put(line_path("c1", DOCTORS), LINEAR | {"mission": "prevention"})
    missions = (await payments.get(path))["missions"]
    assert {one["mission"]: one["unknown"] for one in missions} == {
        "acces_aux_soins": None,
        "prevention": "rate",
    }
    await payments.hear(INDICATORS, [figure("c1", 1, 1), figure("c1", 2, 2), figure("c1", 3, 3)])
    assert (await payments.client.get(f"{path}?after=x")).status_code == 400
    seen: list[str] = []
    after: str | None = ""
    while after is not None:
        page = await payments.get(f"{path}?indicator={DEMANDS}&limit=2&after={after}")
        facts = page["lines"][0]["facts"]
        seen += facts["items"]
        after = facts["next"]
    assert seen == ["referral:1", "referral:2", "referral:3"]


async def test_all_of_an_explanation_is_read_at_one_moment(
    payments: Payments, monkeypatch: pytest.MonkeyPatch
) -> None:
    await payments.hear(MEMBERSHIP, contract("c1"))
    await payments.put(line_path("c1"), LINEAR)
    await payments.hear(INDICATORS, [figure("c1", 1, 1)])
    load = inputs.load_accounts

    async def load_then_hear(*arguments: Any) -> Any:
        accounts = await load(*arguments)
        monkeypatch.setattr(inputs, "load_accounts", load)
        await payments.hear(INDICATORS, [figure("c1", 2, 2)])
        return accounts

    monkeypatch.setattr(inputs, "load_accounts", load_then_hear)
    path = f"/cpts/c1/contract-years/{YEAR.starts_on}/explanation"
    for value in (1, 2):
        explanation = await payments.get(path)
        (line,) = explanation["lines"]
        assert explanation["variable_cents"] == line["amount_cents"] == value * 100_00
        assert line["figure"]["value"] == len(line["facts"]["items"]) == value


async def test_an_amount_edited_in_its_file_stops_the_publishing(
    payments: Payments, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = next(iter(RATES.values()))
    edited = msgspec.structs.replace(first, amount_cents=first.amount_cents + 1)
    new = msgspec.structs.replace(first, rate_id="new")
    monkeypatch.setitem(RATES, first.rate_id, edited)
    monkeypatch.setitem(RATES, "new", new)
    until = time.monotonic() + 20
    while (answer := await payments.client.get("/health/ready")).is_success:
        assert time.monotonic() < until, "the service went on as if nothing were"
    assert "EditedRate" in answer.text
    async with payments.run.pool.acquire() as connection:
        assert await inputs.find_rate(connection, "new") is None
        kept = await inputs.find_rate(connection, first.rate_id)
    assert kept is not None
    assert kept.amount_cents == first.amount_cents
    monkeypatch.setitem(RATES, first.rate_id, first)
    while await payments.run.pool.fetchval("select count(*) from rate") < len(RATES):
        assert time.monotonic() < until + 20, "put right, it publishes again"


async def test_amounts_that_no_sum_could_hold_are_refused_at_the_door(payments: Payments) -> None:
    await payments.hear(MEMBERSHIP, contract("c1"))
    huge = await payments.put(line_path("c1"), LINEAR | {"max_cents": 9 * 10**18})
    assert huge.status_code == 400
    odd = {
        "rate_id": "x1\n",
        "from_on": "2026-01-01",
        "taille": 1,
        "amount_cents": 1,
        "mission": "prevention",
        "part": "fixe",
        "text": "JO lu",
        "is_verified": True,
    }
    assert (await payments.post("/rates", odd)).status_code == 400


async def test_orders_are_refused_with_their_reason(payments: Payments) -> None:
    unknown = await payments.put(line_path("c1"), LINEAR)
    assert (unknown.status_code, unknown.json()["reason"]) == (404, "unknown_cpts")
    await payments.hear(MEMBERSHIP, contract("c1"))
    bad = await payments.put(line_path("c1"), LINEAR | {"target": None})
    assert (bad.status_code, bad.json()["reason"]) == (409, "target_needed")
    assert bad.headers["content-type"].startswith("application/problem+json")
    assert (await payments.put(line_path("c1"), LINEAR | {"surplus": 1})).status_code == 400
    wrong_role = await payments.put(line_path("c1"), LINEAR, **{"Acting-Role": "cpts"})
    assert wrong_role.status_code == 403
    assert (await payments.client.get("/cpts/nobody/funding")).status_code == 404


async def test_the_same_order_again_gives_the_first_answer_and_changes_nothing(
    payments: Payments,
) -> None:
    await payments.hear(MEMBERSHIP, contract("c1"))
    key = {"Idempotency-Key": "k1"}
    first = await payments.put(line_path("c1"), LINEAR, **key)
    again = await payments.put(line_path("c1"), LINEAR, **key)
    assert (again.status_code, again.json()) == (first.status_code, first.json())
    other = await payments.put(line_path("c1"), LINEAR | {"target": 5}, **key)
    assert other.status_code == 422
    count = await payments.run.pool.fetchval(
        "select count(*) from history where type = 'payments.ContractLineSet.v1'"
    )
    assert count == 1


async def test_rebuilt_from_the_log_the_accounts_are_worth_the_same(payments: Payments) -> None:
    for cpts_id, taille in (("c1", 1), ("c2", 4)):
        await payments.hear(MEMBERSHIP, contract(cpts_id, taille))
        await payments.put(line_path(cpts_id), LINEAR)
        await payments.hear(INDICATORS, [figure(cpts_id, 3, 3), figure(cpts_id, 2, 4)])
    await payments.run.relayed()
    await rebuild(SERVICE, payments.run.settings, "shadow")
    for question in (
        "select cpts_id, starts_on, variable_cents from {}.account order by 1, 2",
        "select account, sum(amount_cents) from {}.ledger_entry group by 1 order by 1",
        "select cpts_id, indicator, starts_on, value from {}.figure order by 1, 2, 3",
        "select * from {}.contract_line order by 1, 2, 3",
        "select * from {}.rate order by rate_id",
    ):
        live = await payments.run.pool.fetch(question.format("public"))
        assert live
        assert await payments.run.pool.fetch(question.format("shadow")) == live
