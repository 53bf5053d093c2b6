"""Cases of `cases/*.yaml` about what is paid: the total of a year, what was paid too much, and the
PASS (plafond annuel de la sécurité sociale) of professionals.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

import msgspec
import pytest

from contracts.events.payments import IndemnityRecorded, PaymentOrdered, YearSettled
from services.payments.domain.bank_accounts import CAISSE, BankAccount, owner_of
from services.payments.domain.calendar import months_after
from services.payments.domain.dues import DueSum
from services.payments.domain.indemnities import PaidInYear, record_indemnity
from services.payments.domain.money_refusals import Refusal
from services.payments.domain.orders_of_payment import (
    Batch,
    OpenDue,
    Payee,
    Waiting,
    order_payment,
)
from services.payments.domain.scale import MISSIONS, WITH_VARIABLE_PART, Rate
from services.payments.domain.settlement import settle
from services.payments.store import tables
from tests.payments.test_cases import SETTLED_ON, planned
from tests.payments.written import RATES, account_of, cases_with

FIRST_ON = date(2026, 1, 1)


@pytest.mark.parametrize(("_file", "case"), cases_with("total"))
def test_a_year_with_all_reached_brings_the_total_written_in_a_case(
    _file: dict[str, Any], case: dict[str, Any]
) -> None:
    contract = {
        "aci": [{"signee_le": FIRST_ON, "commence_le": FIRST_ON, "annees": 2}],
        "taille": case["taille"],
        "missions": [{"mission": name, "commence_le": FIRST_ON} for name in MISSIONS],
        "crises": case.get("crises", []),
    }
    year = months_after(FIRST_ON, 12 * (case["annee_du_contrat"] - 1))
    owed = sum(due.amount_cents for due in planned(contract) if due.starts_on == year)
    beyond = [
        {
            "mission": mission,
            "indicateur": mission,
            "mode": "all_or_nothing",
            "maximum": 1_000_000_00,
            "cible": 1,
        }
        for mission in WITH_VARIABLE_PART
    ]
    values = dict.fromkeys(WITH_VARIABLE_PART, 1)
    account = account_of(contract | {"annee": year, "lignes": beyond, "valeurs": values})
    settled = settle(account, SETTLED_ON, RATES, case["total"] - owed, SETTLED_ON)
    assert isinstance(settled, YearSettled)


def rates_read(case: dict[str, Any]) -> list[Rate]:
    """The scale, and the amount that somebody read later, if a case has one."""
    read = case.get("taux_lu")
    if read is None:
        return RATES
    (wrong,) = (rate for rate in RATES if rate.rate_id == read["a_la_place_de"])
    right = {"rate_id": "lu", "amount_cents": read["centimes"], "is_verified": True}
    return [*RATES, msgspec.structs.replace(wrong, sequence=len(RATES), **right)]


def ordered(
    sums: Sequence[DueSum], day: date, taken: dict[tuple[date, str], int]
) -> PaymentOrdered | Waiting | None:
    """The order of a day, for all that is due by then, not held, and not taken yet."""
    due = {
        (one.starts_on, one.due_id): 0 if one.is_held else one.amount_cents
        for one in sums
        if one.due_on <= day
    }
    open_dues = [
        OpenDue(
            cpts_id="c1",
            starts_on=key[0],
            due_id=key[1],
            amount_cents=due.get(key, 0),
            ordered_cents=taken.get(key, 0),
            tranches=0,
        )
        for key in due | taken
    ]
    cpts, caisse = (
        BankAccount(
            owner=owner,
            account_id="b",
            version=1,
            iban="FR7630006000011234567890189",
            holder="H",
            from_on=FIRST_ON,
            to_on=None,
            proposed_by="p",
            confirmed_by="q",
        )
        for owner in (owner_of("c1"), CAISSE)
    )
    batch = Batch(batch_id="l", payer=caisse, ordered_on=day, execute_on=day)
    found = order_payment(Payee(cpts_id="c1"), open_dues, cpts, batch)
    assert found is None or isinstance(found, PaymentOrdered | Waiting)
    return found


@pytest.mark.parametrize(("_file", "case"), cases_with("contrat"))
def test_what_was_paid_too_much_or_too_little_is_made_up_for_as_a_case_writes(
    _file: dict[str, Any], case: dict[str, Any]
) -> None:
    contract = case["contrat"]
    first = ordered(planned(contract), case["paye_le"], {})
    assert isinstance(first, PaymentOrdered) == bool(case["paye"])
    taken = {}
    if isinstance(first, PaymentOrdered):
        assert first.amount_cents == case["paye"]
        taken = {(d.contract_year_starts_on, d.due_id): d.amount_cents for d in first.dues}
    ended = [one | {"resiliee_le": case.get("resiliee_le")} for one in contract["aci"]]
    then = ordered(planned(contract | {"aci": ended}, rates_read(case)), case["puis_le"], taken)
    if "cpts_doit" in case:
        assert isinstance(then, Waiting)
        assert (then.reason, -then.open_cents) == ("recovery", case["cpts_doit"])
    else:
        assert isinstance(then, PaymentOrdered)
        assert then.amount_cents == case["verse"]


@pytest.mark.parametrize(("_file", "case"), cases_with("demande"))
def test_a_professional_receives_what_a_case_writes_and_no_more_than_the_pass(
    _file: dict[str, Any], case: dict[str, Any]
) -> None:
    asked = IndemnityRecorded(
        cpts_id="c1",
        indemnity_id="i",
        rpps="10001234567",
        kind="indemnite",
        function="reunion",
        minutes=120,
        amount_cents=case["demande"],
        paid_on=date(case["annee_civile"], 12, 31),
    )
    replaced = case.get("a_la_place_de")
    present = msgspec.structs.replace(asked, amount_cents=replaced) if replaced else None
    ceiling = tables.ceilings()[case["annee_civile"]]
    paid = PaidInYear(ceiling=ceiling, others_cents=case["recu_ailleurs"])
    answer = record_indemnity(asked, present, paid)
    if "reste" in case:
        assert isinstance(answer, Refusal)
        assert answer.extension["remaining_cents"] == case["reste"]
    else:
        assert isinstance(answer, IndemnityRecorded)
        assert answer.amount_cents == case["verse"]
