"""The oracle's money that moves: the cases that a jurist can check, and each way in which what the
services say of it may differ.
"""

import copy
from collections import Counter
from datetime import date
from typing import Any

import pytest

from deploy.local.demo.banking import IBANS, TWO_MEMBERS, WRONG_IBAN
from deploy.local.demo.chapters import DOUBLE_RPPS
from deploy.local.demo.compare_banking import open_differences, transfer_differences
from deploy.local.demo.compare_funds import entry_differences
from deploy.local.demo.oracle import Oracle, foresee
from deploy.local.demo.oracle_banking import Banking, Sum, Transfer, _has_right_key
from deploy.local.demo.oracle_dues import Dues
from deploy.local.demo.oracle_funds import Funds
from deploy.local.demo.oracle_scale import Scale, rates_of_files
from deploy.local.demo.story import season
from tests.demo.test_oracle_money import dues_of_case, scale_of
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


def with_accounts() -> Banking:
    banking = Banking(Funds())
    for whose in ("caisse", "cpts:c1"):
        account = {"iban": IBANS["caisse"], "holder": "H", "from_on": "2020-01-01"}
        assert banking.propose(whose, "b", account | {"acting_person": "p"}) == "ok"
        assert banking.confirm(whose, "b", {"version": 1, "acting_person": "q"}) == "ok"
    return banking


def scale_read(case: dict[str, Any], contract: dict[str, Any]) -> Scale:
    """The scale, with the amount that somebody read later, if a case has one."""
    scale, read = scale_of(contract), case.get("taux_lu")
    if read is not None:
        (wrong,) = (one for one in rates_of_files() if one.rate_id == read["a_la_place_de"])
        right = {"rate_id": "lu", "amount_cents": read["centimes"], "is_verified": True}
        named = {"taille": wrong.taille, "mission": wrong.mission, "part": wrong.part}
        assert scale.publish(right | named | {"from_on": wrong.from_on.isoformat()}) == "ok"
    return scale


@pytest.mark.parametrize(("_file", "case"), cases_with("contrat"))
def test_the_oracle_makes_up_for_what_was_paid_too_much_as_a_case_writes(
    _file: dict[str, Any], case: dict[str, Any]
) -> None:
    contract, banking = case["contrat"], with_accounts()

    def due_on(day: date, contract: dict[str, Any], scale: Scale | None = None) -> Dues:
        found = dues_of_case(contract, scale)
        return {key: one for key, one in found.items() if one.due_on <= day}

    def batch(name: str, dues: Dues, day: date) -> int:
        assert banking.batch_of_caisse({"batch_id": name}, {"c1": dues}, day) == "ok"
        return sum(one.cents for one in banking.transfers if one.batch_id == name)

    first = due_on(case["paye_le"], contract)
    assert batch("1", first, case["paye_le"]) == case["paye"]
    ended = contract | {
        "aci": [one | {"resiliee_le": case.get("resiliee_le")} for one in contract["aci"]]
    }
    then = due_on(case["puis_le"], ended, scale_read(case, contract))
    open_cents = sum(owed - had for owed, had, _ in banking.open_dues("c1", then).values())
    assert batch("2", then, case["puis_le"]) == case.get("verse", 0)
    assert open_cents == (-case["cpts_doit"] if "cpts_doit" in case else case["verse"])


def test_the_season_is_paid_as_it_is_by_hand(foreseen: Oracle) -> None:
    paid = {
        (one.batch_id, one.payee[0]): (one.cents, one.state)
        for one in foreseen.payments.banking.transfers
    }
    # 75 000 of fonctionnement and 67 500 for a crisis; rejected, it is ordered again at the amount
    # that was read meanwhile, 70 000; that comes back.
    assert paid["lot-1", "95-parisis-est"] == (142_500_00, "rejected")
    assert paid["lot-2", "95-parisis-est"] == (137_500_00, "refunded")
    # The settled 18 966.42, of which 5 000 are taken back; what is owed back alone pays nothing.
    assert paid["lot-2", "95-parisis-ouest"] == (13_966_42, "executed")
    assert ("lot-3", "95-parisis-ouest") not in paid
    # To members: what was rejected with 80.00 that was not due yet; 75.50 less 50.00 too much.
    members = [
        one.cents for one in foreseen.payments.banking.transfers if one.batch_id == "membres-2"
    ]
    assert sorted(members) == [25_50, 280_01]


def test_an_iban_has_its_key() -> None:
    assert all(_has_right_key(one) for one in (*IBANS.values(), *TWO_MEMBERS))
    assert not _has_right_key(WRONG_IBAN)


YEAR = date(2025, 1, 1)
ORDERED = Transfer(
    "vir-1",
    "lot",
    ("c1", None),
    {(YEAR, "variable"): (2, 500)},
    (("courant", 3), ("principal", 1)),
    YEAR,
    YEAR,
    "rejected",
    YEAR,
    "AC04",
)
SHOWN: dict[str, Any] = {
    "order": {
        "order_id": "vir-1",
        "batch_id": "lot",
        "rpps": None,
        "amount_cents": 500,
        "state": "rejected",
        "reason": "AC04",
        "ordered_on": "2025-01-01",
        "execute_on": "2025-01-01",
        "answered_on": "2025-01-01",
        "account_id": "courant",
        "account_version": 3,
        "payer_account_id": "principal",
        "payer_account_version": 1,
    },
    "dues": [
        {"starts_on": "2025-01-01", "due_id": "variable", "tranche": 2, "amount_cents": 500},
    ],
    "indemnities": [],
}


def test_an_order_to_the_bank_that_is_another_is_named() -> None:
    assert list(transfer_differences("c1", [ORDERED], [SHOWN])) == []
    for name, wrong in (("state", "executed"), ("amount_cents", 501), ("reason", None)):
        told = SHOWN | {"order": SHOWN["order"] | {name: wrong}}
        (found,) = transfer_differences("c1", [ORDERED], [told])
        assert (found.what, found.where) == ("virement", f"c1/lot/{name}")
    less = copy.deepcopy(SHOWN)
    less["dues"][0]["tranche"] = 1
    (found,) = transfer_differences("c1", [ORDERED], [less])
    assert found.where == "c1/lot/sums"
    assert {one.found for one in transfer_differences("c1", [ORDERED], [])} == {None}
    assert {one.expected for one in transfer_differences("c1", [], [SHOWN])} == {None}


def test_what_is_open_and_otherwise_is_named() -> None:
    told = {"starts_on": "2025-01-01", "due_id": "variable", "amount_cents": 5}
    told |= {"ordered_cents": 7, "tranches": 1}
    foreseen: dict[Sum, tuple[int, int, int]] = {(YEAR, "variable"): (5, 7, 1)}
    assert list(open_differences("c1", foreseen, [told])) == []
    for wrong in ([told | {"ordered_cents": 6}], [], [told, told | {"due_id": "autre"}]):
        (found,) = open_differences("c1", foreseen, wrong)
        assert (found.what, found.where[:3]) == ("reste à payer", "c1/")
