"""Many contract years settled in one order: each on its own, those that cannot be say why."""

from tests.payments.served import YEAR, Payments
from tests.payments.test_settlement import (
    LATER,
    OPENING,
    SECOND,
    YEAR_PATH,
    money_is_sound,
    under_contract,
    validate,
    variable_dues,
)


async def test_many_years_are_settled_in_one_order_and_the_others_say_why(
    payments: Payments,
) -> None:
    await under_contract(payments)
    await payments.post(f"{YEAR_PATH}/dialogue", OPENING, **LATER)
    await validate(payments, 30)
    named = {
        ("c1", str(YEAR.starts_on)): (3_000_00, None),
        ("c1", str(SECOND.starts_on)): (0, "dialogue_not_open"),
        ("c2", str(YEAR.starts_on)): (1_00, "unknown_cpts"),
    }
    order = {
        "years": [
            {"cpts_id": cpts_id, "starts_on": starts_on, "variable_cents": cents}
            for (cpts_id, starts_on), (cents, _) in named.items()
        ]
    }
    answer = await payments.post("/settlements", order, **LATER)
    assert answer.is_success, answer.text
    assert {
        (one["cpts_id"], one["starts_on"]): one["obstacle"] and one["obstacle"]["reason"]
        for one in answer.json()["years"]
    } == {key: reason for key, (_, reason) in named.items()}
    assert await variable_dues(payments) == [(str(YEAR.starts_on), "variable", 3_000_00)]
    again = await payments.post("/settlements", {"years": order["years"][:1]}, **LATER)
    assert again.json()["years"][0]["obstacle"]["reason"] == "already_settled"
    assert await variable_dues(payments) == [(str(YEAR.starts_on), "variable", 3_000_00)]
    await money_is_sound(payments)


async def test_years_to_settle_are_named_once_by_the_caisse(payments: Payments) -> None:
    year = {"cpts_id": "c1", "starts_on": str(YEAR.starts_on), "variable_cents": 1}
    twice = await payments.post("/settlements", {"years": [year, year]}, **LATER)
    assert twice.status_code == 400
    assert "deux fois" in twice.text
    none = await payments.post("/settlements", {"years": []}, **LATER)
    assert none.status_code == 400
    acting = {"Acting-Role": "cpts", "Acting-Cpts": "c1"}
    refused = await payments.post("/settlements", {"years": [year]}, **LATER, **acting)
    assert refused.status_code == 403
