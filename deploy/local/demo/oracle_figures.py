"""The oracle's figures and cents, read off the end of the season.

Written from the counting rule; shares no code with the services.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime

from deploy.local.demo.oracle import Oracle
from deploy.local.demo.oracle_attribution import Case
from deploy.local.demo.oracle_contracts import Contracts, paris_day
from deploy.local.demo.oracle_dues import Dues, owed_accounts
from deploy.local.demo.oracle_lines import worth
from deploy.local.demo.oracle_referrals import Referral

PHYSICIAN = "10"
DOCTORS = "sas_medecins_participants"
DOCTORS_VIA_CPTS = "sas_medecins_participants_via_cpts"
DEMANDS = "sas_demandes_avec_rdv"
Figure = tuple[str, str, date]


@dataclass
class Outlook:
    """The facts of each figure that counts some, the values of the others, every account's cents,
    what fell due to each CPTS, the balances of the ledger that follow from money owed and used, and
    how platform appointments were sorted.
    """

    facts: dict[Figure, set[str]] = field(default_factory=lambda: defaultdict(set))
    values: dict[Figure, int] = field(default_factory=dict)
    cents: dict[tuple[str, date], int] = field(default_factory=dict)
    dues: dict[str, Dues] = field(default_factory=dict)
    accounts: Counter[str] = field(default_factory=Counter)
    cases: dict[str, Case] = field(default_factory=dict)

    def doubtful(self, kind: str) -> set[str]:
        """The appointments of the platform with this doubt in whose they are."""
        return {
            appointment_id for appointment_id, case in self.cases.items() if kind in case.doubts
        }


def outlook(oracle: Oracle) -> Outlook:
    """The figures and cents that must stand at the end."""
    found = Outlook()
    for cpts_id, cpts in oracle.contracts.cpts.items():
        for start, end in cpts.years:
            for indicator in (DOCTORS, DOCTORS_VIA_CPTS, DEMANDS):
                found.facts[cpts_id, indicator, start] = set()
            _count_doctors(oracle.contracts, found, cpts_id, (start, end))
    _count_demands(oracle, found)
    found.values = oracle.missions.values(oracle.contracts) | oracle.declarations.values()
    for cpts_id, cpts in oracle.contracts.cpts.items():
        for start, _ in cpts.years:
            found.cents[cpts_id, start] = _account_cents(oracle, found, cpts_id, start)
        if cpts.contract_years:  # payments knows no other
            found.dues[cpts_id] = oracle.payments.dues(cpts_id, oracle.ends_on)
    payments = oracle.payments
    for accounts in (payments.funds.accounts(), payments.banking.accounts()):
        found.accounts.update(accounts)
    found.accounts.update(owed_accounts(found.dues))
    return found


def _common_day(*periods: tuple[date, date | None]) -> bool:
    ends = [end for _, end in periods if end is not None]
    return max(start for start, _ in periods) <= min(ends)


def _count_doctors(
    contracts: Contracts, found: Outlook, cpts_id: str, year: tuple[date, date]
) -> None:
    for person in contracts.members_of(cpts_id):
        for declared_by, taking_part in contracts.participations():
            if person.profession != PHYSICIAN or taking_part.rpps != person.rpps:
                continue
            periods = [(one.from_on, one.to_on) for one in (person, taking_part)]
            if not _common_day(year, *periods):
                continue
            found.facts[cpts_id, DOCTORS, year[0]].add(f"rpps:{person.rpps}")
            if taking_part.way == "cpts" and declared_by == cpts_id:
                found.facts[cpts_id, DOCTORS_VIA_CPTS, year[0]].add(f"rpps:{person.rpps}")


def _count_demands(oracle: Oracle, found: Outlook) -> None:
    ours = oracle.counted_referrals()
    for referral in ours:
        assert referral.cpts_id is not None
        assert referral.accepted_at is not None
        _count(oracle.contracts, found, referral.cpts_id, referral.accepted_at, _fact(referral))
    found.cases = oracle.cases()
    for appointment_id, case in found.cases.items():
        if case.outcome == "counted" and case.cpts_id is not None:
            fact = f"appointment:{appointment_id}"
            _count(oracle.contracts, found, case.cpts_id, case.created_at, fact)


def _fact(referral: Referral) -> str:
    return f"referral:{referral.id}"


def _count(contracts: Contracts, found: Outlook, cpts_id: str, at: datetime, fact: str) -> None:
    """Count a fact in the contract year of its booking date, if there is one."""
    day = paris_day(at)
    for start, end in contracts.cpts[cpts_id].years:
        if start <= day <= end:
            found.facts[cpts_id, DEMANDS, start].add(fact)


def _account_cents(oracle: Oracle, found: Outlook, cpts_id: str, start: date) -> int:
    """What a year was settled at; else the lines by the best values known: one that was validated
    stands above one that was verified, and that above the live one.
    """
    payments = oracle.payments
    dialogue = payments.dialogues.of(cpts_id, start)
    if dialogue is not None and dialogue.settled is not None:
        return dialogue.settled.cents
    lines = payments.lines.get((cpts_id, start), {}).values()
    values: dict[str, int | None] = {
        line["indicator"]: _live(found, (cpts_id, line["indicator"], start)) for line in lines
    }
    values |= {name: one.value for name, one in payments.dialogues.best(cpts_id, start).items()}
    taille = oracle.contracts.cpts[cpts_id].tailles[start]
    envelopes = {}
    for line in lines:
        rate = payments.scale.envelope(taille, line["mission"], start)
        envelopes[line["mission"]] = rate.cents if rate else 0
    return worth(lines, values, envelopes)


def _live(found: Outlook, key: Figure) -> int | None:
    return len(found.facts[key]) if key in found.facts else found.values.get(key)
