"""What accountants get: a trial balance that sums to zero everywhere, and a FEC that is one."""

import asyncio
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts import topics
from contracts.events.membership import AssociationRecorded
from contracts.recorded import Recorded
from services.messaging.unit import open_unit
from services.payments.domain.fec import COLUMNS, Entry, chart_key, fec_rows, missing_accounts
from services.payments.store import tables
from tests.payments.paying import (
    COLLEAGUE,
    RPPS,
    confirm_account,
    due_set,
    make_batch,
    only_order,
    owe,
    say_dues,
    send_answers,
    set_dues,
    without_taille,
)
from tests.payments.served import (
    DEMANDS,
    LINEAR,
    NOW,
    Payments,
    contract,
    figure,
    line_path,
    told,
)

AS_C1 = {"Acting-Role": "cpts", "Acting-Cpts": "c1"}
CHART = tables.chart_of_accounts()


@pytest.fixture
async def season(payments: Payments) -> Payments:
    """An estimate, two payments of which one came back, a use and a corrected indemnity."""
    await payments.hear(topics.MEMBERSHIP, contract("c1") + without_taille("c2"))
    assert (await payments.put(line_path("c1"), LINEAR)).is_success
    await payments.hear(topics.INDICATORS, [figure("c1", 1, 1, DEMANDS)])
    await confirm_account(payments, "c1")
    await confirm_account(payments, "caisse")
    await set_dues(payments.run.desk, due_set("a", 1000_00))
    first = only_order(await make_batch(payments, "b1"))
    await send_answers(payments, "b1", (first, "executed", ""), (first, "refunded", "AC04"))
    second = only_order(await make_batch(payments, "b2"))
    await send_answers(payments, "b2", (second, "executed", ""))
    indemnity = {"rpps": "810002345675", "kind": "indemnite", "function": "reunion", "minutes": 60}
    for cents in (50_00, 40_05):
        body = indemnity | {"amount_cents": cents, "paid_on": "2026-05-03"}
        assert (await payments.put("/cpts/c1/indemnities/i", body, **AS_C1)).is_success
    use = {"category": "locaux", "amount_cents": 300_00, "used_on": "2025-12-31"}
    assert (await payments.put("/cpts/c1/uses/u", use, **AS_C1)).is_success
    return payments


async def fec(payments: Payments, year: int) -> list[dict[str, str]]:
    answer = await payments.client.get(f"/cpts/c1/fec/{year}")
    assert answer.status_code == 200, answer.text
    head, *lines = answer.content.decode().removesuffix("\r\n").split("\r\n")
    assert head.split("\t") == list(COLUMNS)
    return [dict(zip(COLUMNS, line.split("\t"), strict=True)) for line in lines]


def cents(row: dict[str, str]) -> int:
    debit, credit = (int(row[name].replace(",", "")) for name in ("Debit", "Credit"))
    assert (debit == 0) != (credit == 0)
    return debit - credit


async def test_the_fec_has_what_was_paid_and_used_and_no_estimate(season: Payments) -> None:
    rows = await fec(season, 2026)
    numbers = [int(row["EcritureNum"]) for row in rows]
    assert sorted(set(numbers)) == list(range(1, 7)), (
        "a due, two transfers, a return, two indemnities"
    )
    for number in set(numbers):
        assert sum(cents(row) for row in rows if int(row["EcritureNum"]) == number) == 0
    totals: dict[str, int] = {}
    for row in rows:
        totals[row["CompteNum"]] = totals.get(row["CompteNum"], 0) + cents(row)
    # what was due was received; what is held, the fonctionnement, is not there
    assert totals == {
        "740000": -1000_00,
        "441700": 0,
        "512000": 1000_00 - 40_05,
        "622600": 40_05,
    }
    assert {row["JournalCode"] for row in rows} == {"BQ", "EMP", "SUB"}
    assert {row["EcritureDate"] for row in rows} == {"20260503", "20260504", "20260506"}
    (debit, _) = await fec(season, 2025)
    assert (debit["CompteNum"], debit["Debit"]) == ("613200", "300,00")
    assert await fec(season, 2024) == []
    assert (await season.client.get("/cpts/none/fec/2026")).status_code == 404


async def test_what_a_member_is_owed_and_paid_is_in_the_fec_under_their_rpps(
    season: Payments,
) -> None:
    for rpps in (RPPS, COLLEAGUE):
        await confirm_account(season, "c1", rpps=rpps)
    await owe(season, "c1", "owed", rpps=RPPS, amount_cents=70_00)
    given = only_order(await make_batch(season, "b1", by="c1"))
    await send_answers(season, "b1", (given, "executed", ""), by="c1")
    await owe(season, "c1", "owed", rpps=COLLEAGUE, amount_cents=70_00)
    rows = [row for row in await fec(season, 2026) if row["CompteNum"] == "467000"]
    assert sorted((row["JournalCode"], row["CompAuxNum"], cents(row)) for row in rows) == [
        ("BQ", RPPS, 70_00),
        ("EMP", RPPS, -70_00),
        ("EMP", RPPS, 70_00),
        ("EMP", COLLEAGUE, -70_00),
    ]
    assert {row["CompAuxLib"] for row in rows} == {f"RPPS {RPPS}", f"RPPS {COLLEAGUE}"}
    totals: dict[str, int] = {}
    for row in await fec(season, 2026):
        totals[row["CompteNum"]] = totals.get(row["CompteNum"], 0) + cents(row)
    assert sum(totals.values()) == 0
    assert totals["467000"] == 0, "one owes back what the other is owed"
    assert totals["622600"] == 40_05 + 70_00
    assert totals["512000"] == 1000_00 - 40_05 - 70_00
    assert (await season.get("/ledger/trial-balance"))["sum_cents"] == 0
    assert all((await season.get("/invariants")).values())


async def test_what_is_recorded_later_never_renumbers_what_was_exported(season: Payments) -> None:
    before = await fec(season, 2026)
    await set_dues(season.run.desk, due_set("late", 7_00), at=NOW - timedelta(days=3))
    after = await fec(season, 2026)
    assert after[: len(before)] == before
    assert {row["EcritureNum"] for row in after[len(before) :]} == {"7"}


async def test_a_fec_waits_for_who_is_entering_and_has_what_they_entered(season: Payments) -> None:
    """Else what is committed first takes a number, and what was entered first moves it later."""
    async with open_unit(season.run.desk) as unit:
        await say_dues(unit, due_set("entering", 42))
        asked = asyncio.create_task(fec(season, 2026))
        async with asyncio.timeout(10):
            while not asked.done() and not await season.run.pool.fetchval(  # noqa: ASYNC110
                "select exists (select from pg_locks where locktype = 'advisory' and not granted)"
            ):
                await asyncio.sleep(0.005)
    assert [row["Debit"] for row in await asked][-1] == "0,42"


def association(
    association_id: str, sequence: int, siren: str | None, **fields: Any
) -> Recorded[Any]:
    declared: dict[str, Any] = {"declared_on": date(2025, 1, 5), "legal_form": "loi_1901"} | fields
    event = AssociationRecorded(
        cpts_id="c1", association_id=association_id, siren=siren, **declared
    )
    return told(event, "c1", sequence)


async def test_the_fec_is_named_by_the_siren_of_the_association_that_stands(
    payments: Payments,
) -> None:
    async def named() -> tuple[str, str | None]:
        answer = await payments.client.get("/cpts/c1/fec/2026")
        name = answer.headers["Content-Disposition"].partition("filename=")[2].strip('"')
        return name, answer.headers.get("Remark")

    await payments.hear(topics.MEMBERSHIP, [association("a", 5, None)])
    assert (await payments.client.get("/cpts/c1/fec/2026")).status_code == 404
    await payments.hear(topics.MEMBERSHIP, contract("c1"))
    without = (
        "FEC20261231.txt",
        "Nom de fichier sans SIREN : l'association de la CPTS n'en dit pas.",
    )
    assert await named() == without
    await payments.hear(topics.MEMBERSHIP, [association("a", 6, "732829320")])
    assert await named() == ("732829320FEC20261231.txt", None)
    await payments.hear(topics.MEMBERSHIP, [association("a", 5, "974000002")])
    assert await named() == ("732829320FEC20261231.txt", None), "an older word changes nothing"
    later = association("b", 7, "974000002", declared_on=date(2026, 2, 1))
    await payments.hear(topics.MEMBERSHIP, [later])
    assert await named() == ("974000002FEC20261231.txt", None), "the one declared last"
    await payments.hear(
        topics.MEMBERSHIP,
        [
            association("b", 8, "974000002", declared_on=date(2026, 2, 1), is_withdrawn=True),
            association("a", 9, None),
        ],
    )
    assert await named() == without


async def test_each_journal_sums_to_zero_per_cpts_and_in_all(season: Payments) -> None:
    for query in ("", "?cpts_id=c1", "?cpts_id=c2", "?journal=payments"):
        balance = await season.get(f"/ledger/trial-balance{query}")
        assert balance["sum_cents"] == 0
        for journal in balance["journals"]:
            assert journal["debit_cents"] == journal["credit_cents"] > 0
    everything = await season.get("/ledger/trial-balance")
    names = [journal["journal"] for journal in everything["journals"]]
    assert names == ["dues", "estimates", "payments", "uses"]
    (payments,) = (await season.get("/ledger/trial-balance?journal=payments"))["journals"]
    assert payments["accounts"][0] == {
        "account": "bank:caisse",
        "debit_cents": 1000_00,
        "credit_cents": 2000_00,
        "balance_cents": -1000_00,
    }
    assert all((await season.get("/invariants")).values())


async def test_an_invariant_says_when_a_payment_is_not_posted(season: Payments) -> None:
    await season.run.pool.execute("update payment_order set state = 'executed'")
    assert (await season.get("/invariants"))["payments_equal_postings"] is False


async def test_an_invariant_says_when_a_payment_to_a_member_or_a_debt_is_not_posted(
    season: Payments,
) -> None:
    await confirm_account(season, "c1", rpps=RPPS)
    await owe(season, "c1", "owed")
    await make_batch(season, "b1", by="c1")
    await season.run.pool.execute("update payment_order set state = 'executed' where rpps <> ''")
    await season.run.pool.execute("update indemnity set rpps = $1", COLLEAGUE)
    found = await season.get("/invariants")
    assert {name for name, holds in found.items() if not holds} == {
        "payments_equal_postings",
        "debts_equal_postings",
    }


YEAR = "c1:2026-04-15"
accounts = st.sampled_from(
    [
        *(f"owed:{YEAR}", f"held:{YEAR}", "expense:aci:fixe", "bank:caisse"),
        *("bank:c1", "use:c1:locaux", f"member:c1:{RPPS}", f"member:c1:{COLLEAGUE}"),
    ]
)


@st.composite
def postings(draw: st.DrawFn) -> list[Entry]:
    """Balanced postings between accounts that are seen from the same side."""
    entries: list[Entry] = []
    for number in range(draw(st.integers(0, 8))):
        one, other = draw(
            st.tuples(accounts, accounts).filter(
                lambda pair: (
                    len({CHART.accounts[chart_key(name)].is_mirrored for name in pair}) == 1
                )
            )
        )
        amount_cents = draw(st.integers(-(10**9), 10**9).filter(bool))
        day = date(2026, 1, draw(st.integers(1, 31)))
        entries += [
            Entry(
                posting_id=f"p{number}",
                journal="uses",
                account=account,
                amount_cents=sign * amount_cents,
                day=day,
                recorded_on=day,
            )
            for account, sign in ((one, 1), (other, -1))
        ]
    return entries


@given(postings())
def test_every_entry_of_a_fec_is_balanced_and_numbered_without_a_gap(entries: list[Entry]) -> None:
    rows: list[dict[str, Any]] = [
        dict(zip(COLUMNS, row, strict=True)) for row in fec_rows(entries, CHART)
    ]
    totals: dict[int, int] = {}
    for row in rows:
        number = int(row["EcritureNum"])
        totals[number] = totals.get(number, 0) + cents(row)
    assert list(totals) == list(range(1, len(totals) + 1))
    assert set(totals.values()) <= {0}


def entry(account: str, amount_cents: int, posting_id: str = "p") -> Entry:
    day = date(2026, 5, 4)
    return Entry(
        posting_id=posting_id,
        journal="dues",
        account=account,
        amount_cents=amount_cents,
        day=day,
        recorded_on=day,
    )


def test_what_is_held_is_not_in_the_fec_until_it_is_owed() -> None:
    held = [entry("expense:aci:fixe", 100, "1"), entry(f"held:{YEAR}", -100, "1")]
    assert fec_rows(held, CHART) == []
    freed = [entry(f"held:{YEAR}", 100, "2"), entry(f"owed:{YEAR}", -100, "2")]
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in fec_rows([*held, *freed], CHART)]
    assert [(row["CompteNum"], row["Debit"], row["Credit"]) for row in rows] == [
        ("740000", "0,00", "1,00"),
        ("441700", "1,00", "0,00"),
    ]


def test_an_account_that_the_chart_does_not_have_is_told() -> None:
    entries = [entry("use:c1:magie", 1), entry("bank:c1", -1)]
    assert missing_accounts(entries, CHART) == ["use:c1:magie"]
