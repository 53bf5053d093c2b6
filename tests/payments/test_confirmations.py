"""A rate that somebody of the caisse confirms: who may, what is refused, what it releases."""

from datetime import date
from typing import Any

import pytest

from contracts.events.payments import RateConfirmed
from contracts.recorded import Cause
from contracts.topics import MEMBERSHIP
from services.messaging.unit import Desk, open_unit
from services.payments import handlers
from services.payments.domain.calendar import midnight
from services.payments.domain.refusals import Refusal
from services.payments.domain.scale import Rate, confirm_rate
from tests.desks import empty
from tests.payments.owing import (
    FIRST,
    SCALE,
    aci,
    balances,
    dues,
    hear,
    mission,
    publish,
    registered,
    said_on,
    taille,
)
from tests.payments.served import YEAR, Payments, contract

RATE = "aci-2019/fonctionnement/fonctionnement/T3"
CONFIRMATION = {
    "rate_id": RATE,
    "amount_cents": 75_000_00,
    "text": "ACI CPTS, annexe 2 (JO du 24 août 2019)",
    "read_on": "2026-05-04",
    "confirmed_by": "agent-4711",
}
PATH = "/rates/confirmations"


async def test_a_confirmed_rate_releases_what_it_held(payments: Payments) -> None:
    await payments.hear(MEMBERSHIP, contract("c1"))
    before = await payments.get("/cpts/c1/dues")
    assert (before["owed_cents"], before["held_cents"]) == (0, 75_000_00)
    assert before["items"][0]["rate_ids"] == [RATE]
    assert (await payments.post(PATH, CONFIRMATION)).status_code == 201
    after = await payments.get("/cpts/c1/dues")
    assert (after["owed_cents"], after["held_cents"]) == (75_000_00, 0)
    ledger = await payments.get("/ledger/balances")
    found = {one["account"]: one["balance_cents"] for one in ledger["items"]}
    assert found == {
        "expense:aci:fonctionnement": 75_000_00,
        f"held:c1:{YEAR.starts_on}": 0,
        f"owed:c1:{YEAR.starts_on}": -75_000_00,
    }
    assert (await payments.get("/invariants"))["dues_equal_postings"]
    assert (await payments.post(PATH, CONFIRMATION)).status_code == 200
    shown = {one["rate_id"]: one for one in (await payments.get("/rates"))["items"]}
    assert shown[RATE]["confirmed_by"] == "agent-4711"
    assert not shown[RATE]["is_verified"], "who published it had not read the text"


@pytest.mark.parametrize(
    ("changed", "status", "reason"),
    [
        ({"rate_id": "no/such/rate"}, 404, "unknown_rate"),
        ({"text": "  ", "amount_cents": 1}, 409, "text_needed"),
        ({"read_on": "2026-05-05", "amount_cents": 1}, 409, "read_in_the_future"),
        ({"amount_cents": 75_000_01}, 409, "another_amount"),
    ],
)
async def test_a_confirmation_is_refused(
    payments: Payments, changed: dict[str, Any], status: int, reason: str
) -> None:
    answer = await payments.post(PATH, CONFIRMATION | changed)
    assert (answer.status_code, answer.json()["reason"]) == (status, reason)


async def test_only_the_caisse_confirms_and_only_by_an_id(payments: Payments) -> None:
    for role in ("cpts", "ars", "system"):
        acting = {"Acting-Role": role, "Acting-Cpts": "c1"}
        assert (await payments.post(PATH, CONFIRMATION, **acting)).status_code == 403
    answer = await payments.post(PATH, CONFIRMATION | {"confirmed_by": "Jeanne Durand"})
    assert answer.status_code == 400


def test_the_first_confirmation_stands() -> None:
    rate = Rate(
        rate_id="r",
        from_on=FIRST,
        to_on=None,
        taille=1,
        mission="prevention",
        part="fixe",
        amount_cents=1,
        text="a test",
        status="hypothesis",
        is_verified=False,
        sequence=1,
    )
    first = RateConfirmed(
        rate_id="r", amount_cents=1, text="JO", read_on=FIRST, confirmed_by="agent-1"
    )
    other = RateConfirmed(
        rate_id="r", amount_cents=1, text="JO", read_on=FIRST, confirmed_by="agent-2"
    )
    assert confirm_rate(rate, first, None, FIRST) == first
    assert confirm_rate(rate, first, first, FIRST) is None
    assert confirm_rate(rate, other, first, FIRST) is Refusal.ALREADY_CONFIRMED


@pytest.mark.parametrize("is_confirmed_first", [True, False])
async def test_a_confirmation_before_the_sum_or_after_it_comes_to_the_same(
    migrated: Desk, is_confirmed_first: bool
) -> None:
    await empty(migrated)
    await publish(migrated, SCALE)
    events = [registered(), aci(), taille(3), mission(FIRST)]
    said = [said_on(event, place, FIRST) for place, event in enumerate(events, start=1)]
    confirmed = RateConfirmed(
        rate_id="acces_aux_soins/fixe/T3/1",
        amount_cents=90_000_00,
        text="JO",
        read_on=FIRST,
        confirmed_by="agent-1",
    )

    async def confirm() -> None:
        async with open_unit(migrated) as unit:
            await handlers.lock_rates(unit)
            cause = Cause(id="order", recorded_at=midnight(date(2026, 4, 20)))
            await handlers.confirm_rate(unit, confirmed, 3, cause)

    if is_confirmed_first:
        await confirm()
    await hear(migrated, *said)
    if not is_confirmed_first:
        await confirm()
    assert await dues(migrated) == [
        (date(2026, 4, 1), "fonctionnement:signature", 75_000_00, True),
        (FIRST, "acces_aux_soins:fixe:advance", 67_500_00, False),
    ]
    assert await balances(migrated) == {
        "expense:aci:fonctionnement": 75_000_00,
        "expense:aci:fixe": 67_500_00,
        "held:c1:2026-04-15": -75_000_00,
        "owed:c1:2026-04-15": -67_500_00,
    }
