"""Bank accounts: two persons for each change, and an IBAN that is told nowhere."""

import json
import logging
from datetime import date
from typing import Any

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts import topics
from services.payments.domain.bank_accounts import BankAccount, account_on, masked
from tests.payments.paying import RPPS, account_path, acting, columns_with
from tests.payments.served import Payments, contract

IBAN = "FR1420041010050500013M02606"
SPACED = "FR14 2004 1010 0505 0001 3M02 606"
OTHER = "FR7630006000011234567890189"


def account(**changes: Any) -> dict[str, Any]:
    body = {"iban": SPACED, "holder": "CPTS du Val", "from_on": "2026-01-01"}
    return body | {"acting_person": "anne"} | changes


async def propose(
    payments: Payments, path: str = "/cpts/c1/bank-accounts/a", **changes: Any
) -> Any:
    key = f"{path}-{json.dumps(changes)}"
    return await payments.put(path, account(**changes), **{"Idempotency-Key": key})


async def confirm(payments: Payments, person: str, version: int = 1) -> Any:
    return await payments.post(
        "/cpts/c1/bank-accounts/a/confirmation", {"version": version, "acting_person": person}
    )


@pytest.fixture
async def known(payments: Payments) -> Payments:
    await payments.hear(topics.MEMBERSHIP, contract("c1"))
    return payments


async def test_an_account_counts_once_another_person_confirmed_it(known: Payments) -> None:
    proposed = (await propose(known)).json()
    assert (proposed["version"], proposed["is_confirmed"]) == (1, False)
    assert (await confirm(known, "anne")).json()["reason"] == "same_person"
    assert (await confirm(known, "bruno")).json()["is_confirmed"] is True


async def test_what_was_changed_since_is_not_confirmed_unseen(known: Payments) -> None:
    await propose(known)
    await propose(known, iban=OTHER)
    refusal = (await confirm(known, "bruno", version=1)).json()
    assert (refusal["reason"], refusal["version"]) == ("account_changed", 2)


async def test_the_same_account_again_is_no_other_version(known: Payments) -> None:
    await propose(known)
    assert (await propose(known, acting_person="carole")).json()["version"] == 1
    assert (await confirm(known, "anne")).json()["reason"] == "same_person"


@pytest.mark.parametrize("iban", ["FR1420041010050500013M02607", "FR14", "rappeler Mme Durand"])
async def test_an_iban_that_is_none_is_refused_without_being_repeated(
    known: Payments, iban: str
) -> None:
    answer = await propose(known, iban=iban)
    assert answer.json()["reason"] == "iban_invalid"
    assert iban not in answer.text


async def test_an_account_of_a_professional_counts_for_the_cpts_that_vouched_for_it(
    known: Payments,
) -> None:
    await known.hear(topics.MEMBERSHIP, contract("c2"))
    path = account_path("c1", RPPS)
    assert (await known.put(path, account(), **acting("c1"))).json()["version"] == 1
    seen = {"version": 1, "acting_person": "anne"}
    refusal = await known.post(f"{path}/confirmation", seen, **acting("c1"))
    assert refusal.json()["reason"] == "same_person"
    seen["acting_person"] = "bruno"
    assert (await known.post(f"{path}/confirmation", seen, **acting("c2"))).status_code == 403
    confirmed = await known.post(f"{path}/confirmation", seen, **acting("c1"))
    assert confirmed.json()["is_confirmed"] is True
    unknown = await known.post(f"{account_path('c2', RPPS)}/confirmation", seen, **acting("c2"))
    assert unknown.json()["reason"] == "unknown_account"
    accounts = await known.get(path.removesuffix("/a"))
    assert [one["iban_masked"] for one in accounts["items"]] == [masked(IBAN)]
    assert (await known.get("/cpts/c1/bank-accounts"))["items"] == [], "it is not the CPTS's own"
    nobody = await known.put(account_path("c1", "81000234567"), account(), **acting("c1"))
    assert nobody.status_code == 400


async def test_a_cpts_has_a_say_in_its_own_accounts_only(known: Payments) -> None:
    answer = await known.put(
        "/cpts/c1/bank-accounts/a", account(), **{"Acting-Role": "cpts", "Acting-Cpts": "c2"}
    )
    assert answer.status_code == 403
    as_cpts = {"Acting-Role": "cpts", "Acting-Cpts": "c1"}
    assert (await known.put("/caisse/bank-accounts/a", account(), **as_cpts)).status_code == 403


async def test_the_iban_is_in_its_table_and_nowhere_else(
    known: Payments, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    answers = [
        await propose(known),
        await propose(known, from_on="never"),
        await propose(known, holder="<>"),
        await propose(known, iban=f"{IBAN}0"),
        await propose(known, path="/caisse/bank-accounts/a"),
        await confirm(known, "anne"),
        await confirm(known, "bruno"),
        await known.client.get("/cpts/c1/bank-accounts"),
    ]
    assert masked(IBAN) in answers[-1].text
    told = " ".join([*(answer.text for answer in answers), caplog.text])
    assert await columns_with(known.run.pool, [IBAN, SPACED]) == {("bank_account", "iban")}
    for secret in (IBAN, SPACED, IBAN[4:-4]):
        assert secret not in told


async def test_the_database_keeps_every_version_and_two_persons_for_each(known: Payments) -> None:
    await propose(known)
    with pytest.raises(asyncpg.RaiseError, match="only grows"):
        await known.run.pool.execute("update bank_account set iban = 'x'")
    with pytest.raises(asyncpg.CheckViolationError) as error:
        await known.run.pool.execute(
            "insert into bank_account_confirmation values ('o', 'a', 1, 'anne', 'anne', now())"
        )
    assert "iban" not in str(error.value)


def version(account_id: str, number: int, from_day: int, *, is_confirmed: bool) -> BankAccount:
    return BankAccount(
        owner="cpts:c1",
        account_id=account_id,
        version=number,
        iban=IBAN,
        holder="CPTS",
        from_on=date(2026, 1, from_day),
        to_on=None,
        proposed_by="anne",
        confirmed_by="bruno" if is_confirmed else None,
    )


@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.integers(1, 31), st.booleans()), min_size=1, max_size=8
    ),
    st.integers(1, 31),
)
def test_money_never_goes_to_what_nobody_confirmed(
    changes: list[tuple[str, int, bool]], day: int
) -> None:
    versions = [
        version(name, number, from_day, is_confirmed=is_confirmed)
        for number, (name, from_day, is_confirmed) in enumerate(changes, start=1)
    ]
    found = account_on(versions, date(2026, 1, day))
    standing = {one.account_id: one for one in versions if one.confirmed_by}
    in_force = [one for one in standing.values() if one.from_on.day <= day]
    assert (found is None) == (not in_force)
    if found is not None:
        assert found in in_force
        assert found.from_on == max(one.from_on for one in in_force)


def test_an_account_in_a_traceback_does_not_tell_its_iban() -> None:
    assert IBAN not in repr(version("a", 1, 1, is_confirmed=True))
