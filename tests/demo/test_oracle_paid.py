"""The oracle's money that moves: the cases that a jurist can check, and each way in which what the
services say of it may differ.
"""

from collections import Counter
from typing import Any

import pytest

from deploy.local.demo.chapters import DOUBLE_RPPS
from deploy.local.demo.compare_funds import entry_differences
from deploy.local.demo.oracle import Oracle, foresee
from deploy.local.demo.oracle_funds import Funds
from deploy.local.demo.story import season
from tests.payments.written import cases_with


def sum_of(year: int, cents: int) -> dict[str, Any]:
    body = {"rpps": "810000000001", "function": "reunion", "minutes": 60, "amount_cents": cents}
    return body | {"kind": "indemnite", "paid_on": f"{year}-12-31"}


@pytest.mark.parametrize(("_file", "case"), cases_with("demande"))
def test_the_oracle_lets_a_professional_receive_what_a_case_writes(
    _file: dict[str, Any], case: dict[str, Any]
) -> None:
    funds, year, replaced = Funds(), case["annee_civile"], case.get("a_la_place_de")
    before = {("c2", "i"): case["recu_ailleurs"], ("c1", "i"): replaced}
    # As they stand, whatever the ceiling was when they were told.
    funds.indemnities = {
        key: sum_of(year, cents) | {"is_withdrawn": False, "is_paid_by_batch": False}
        for key, cents in before.items()
        if cents
    }
    expected = "pass_exceeded" if "reste" in case else "ok"
    assert funds.pay("c1", "i", sum_of(year, case["demande"])) == expected


@pytest.fixture(scope="module")
def foreseen() -> Oracle:
    told = season(seed=11, departements=1, demands=120)
    return foresee(told.orders, told.ends_at)


def test_a_member_of_two_cpts_receives_the_ceiling_of_each_year_and_no_cent_more(
    foreseen: Oracle,
) -> None:
    received = foreseen.payments.funds.received()
    assert received[DOUBLE_RPPS, 2025] == 47_100_00
    assert received[DOUBLE_RPPS, 2024] == 46_368_00


def test_the_uses_of_the_season_are_what_they_are_by_hand(foreseen: Oracle) -> None:
    used = foreseen.payments.funds.used()
    assert {key: cents for key, cents in used.items() if key[0] == "95-haut-val"} == {
        ("95-haut-val", 2025, "locaux"): 860_00,
        ("95-haut-val", 2025, "salaires"): 3_215_67,
        ("95-haut-val", 2025, "materiel"): 412_30,
    }
    accounts = foreseen.payments.funds.accounts()
    assert accounts["bank:95-haut-val"] == -(860_00 + 3_215_67 + 412_30)
    assert sum(accounts.values()) == 0


TOLD = {"use_id": "loyer", "category": "locaux", "amount_cents": 5, "is_withdrawn": False}
FORESEEN = {"loyer": {"category": "locaux", "amount_cents": 5, "is_withdrawn": False}}


@pytest.mark.parametrize(
    ("told", "wrong"),
    [
        ([TOLD], 0),
        *(([TOLD | changed], 1) for changed in ({"category": "materiel"}, {"is_withdrawn": True})),
        ([TOLD | {"amount_cents": 6}], 1),
        ([], 1),
        ([TOLD, TOLD | {"use_id": "autre"}], 1),
    ],
)
def test_an_entry_that_is_another_is_named(told: list[dict[str, Any]], wrong: int) -> None:
    found = Counter(one.what for one in entry_differences("emploi", "c1", FORESEEN, told))
    assert found == Counter({"emploi": wrong} if wrong else {})
