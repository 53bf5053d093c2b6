"""What goes through banks: accounts that two persons vouch for, batches of the caisse and of a
CPTS, what the banks answer, and what was paid too much, taken back from the next sums.

The accounts are invented. Who is in a batch follows from who has an account, so that the banks'
files can be written here.
"""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from deploy.local.demo.cast import Cpts
from deploy.local.demo.funds import EAST, PLAINE, WEST, pay
from deploy.local.demo.hub import PARIS
from deploy.local.demo.opening import Desk
from deploy.local.demo.orders import Draft

OVERSEAS = "974-ouest"
ACCOUNTS_AT = datetime(2025, 11, 26, 9, 0, tzinfo=PARIS)
ANSWERED_AT = datetime(2025, 11, 28, 9, 0, tzinfo=PARIS)
WRONG_RATE_AT = datetime(2025, 12, 22, 9, 0, tzinfo=PARIS)
SECOND_AT = datetime(2025, 12, 23, 9, 0, tzinfo=PARIS)
REPORTED_AT = datetime(2025, 12, 24, 9, 0, tzinfo=PARIS)
LAST_AT = datetime(2026, 3, 12, 9, 0, tzinfo=PARIS)
LAST_REPORTED_AT = datetime(2026, 3, 13, 9, 0, tzinfo=PARIS)
IBANS = {
    "caisse": "FR7630006000011234567890189",
    PLAINE: "FR7620041000010000000000166",
    EAST: "FR7620041000010000000000263",
    WEST: "FR7620041000010000000000360",
    OVERSEAS: "FR7620041000010000000000457",
}
TWO_MEMBERS = ("FR7620041000010000000000554", "FR7620041000010000000000651")
ANOTHER_IBAN = "FR76 2004 1000 0100 0000 0000 748"
WRONG_IBAN = "FR7620041000010000000000747"


def banking(cast: Sequence[Cpts]) -> Iterator[Draft]:
    """All of these orders, some of which must be refused."""
    there = {one.cpts_id for one in cast}
    plaine = next(one for one in cast if one.cpts_id == PLAINE)
    paid = [cpts_id for cpts_id in (PLAINE, EAST, WEST, OVERSEAS) if cpts_id in there]
    members = [one.rpps for one in plaine.members[:3]]
    desk = Desk(ACCOUNTS_AT, "banking")
    yield _batch(desk, "lot-sans-compte")
    yield from _accounts(desk, paid, members)
    yield from _owed_to_members(desk, members)
    yield from _first_batches(desk)
    yield from _first_answers(Desk(ANSWERED_AT, "banks"), paid, members)
    yield from _wrong_rate(Desk(WRONG_RATE_AT, "wrong-rate"))
    yield from _second_batches(Desk(SECOND_AT, "second-batch"), members)
    yield from _reports_of_members(Desk(REPORTED_AT, "members-report"), members)
    # Whatever is open then; of the adjusted one, which owes money back, nothing is paid.
    yield _batch(Desk(LAST_AT, "last-batch"), "lot-3")
    yield from _reports(Desk(LAST_REPORTED_AT, "report"))


def _batch(desk: Desk, batch_id: str, cpts_id: str | None = None, **more: Any) -> Draft:
    """The order that makes a batch of the caisse, or of a CPTS, of all that is due until then."""
    path = "/payment-batches" if cpts_id is None else f"/cpts/{cpts_id}/payment-batches"
    role = "caisse" if cpts_id is None else "cpts"
    body = {"batch_id": batch_id} | more
    return desk.payments("POST", path, body, role=role, barrier=True, is_after_timers=True)


def _order_id(batch_id: str, *payee: str) -> str:
    """The id of an order in a batch, by the published rule."""
    return f"vir-{hashlib.sha256(chr(10).join((batch_id, *payee)).encode()).hexdigest()[:24]}"


def _file(desk: Desk, batch_id: str, *rows: str, cpts_id: str | None = None) -> Draft:
    """The bank's file about a batch, line by line as it has them."""
    return _told(desk, batch_id, "\n".join(("order_id;outcome;day;reason", *rows)), cpts_id)


def _told(desk: Desk, batch_id: str, raw: str, cpts_id: str | None = None) -> Draft:
    """What a bank tells of a batch, in a file of whatever kind."""
    path = "" if cpts_id is None else f"/cpts/{cpts_id}"
    role = "caisse" if cpts_id is None else "cpts"
    path += f"/payment-batches/{batch_id}/answers"
    return desk.payments("POST", path, {}, role=role, barrier=True, raw=raw)


def _account(
    desk: Desk, path: str, name: str, iban: str, role: str, version: int = 1
) -> Iterator[Draft]:
    """An account that one person proposes and another confirms."""
    body = {"iban": iban, "holder": "Titulaire inventé", "from_on": "2025-01-01"}
    path = f"{path}/bank-accounts/{name}"
    yield desk.payments("PUT", path, body | {"acting_person": "personne-1"}, role=role)
    seen = {"version": version, "acting_person": "personne-2"}
    yield desk.payments("POST", f"{path}/confirmation", seen, role=role, lane=path)


def _accounts(desk: Desk, paid: Sequence[str], members: Sequence[str]) -> Iterator[Draft]:
    """Of the caisse, of some CPTS, of two of three members; five refused, one not confirmed."""
    yield from _account(desk, "/caisse", "principal", IBANS["caisse"], "caisse")
    for cpts_id in paid:
        yield from _account(desk, f"/cpts/{cpts_id}", "courant", IBANS[cpts_id], "cpts")
    for rpps, iban in zip(members, TWO_MEMBERS, strict=False):
        yield from _account(desk, f"/cpts/{PLAINE}/professionals/{rpps}", "perso", iban, "cpts")
    path = "/cpts/95-haut-val/bank-accounts/courant"

    def ask(suffix: str, **body: Any) -> Draft:
        method = "POST" if suffix else "PUT"
        return desk.payments(method, f"{path}{suffix}", body, role="caisse", lane=path)

    told = {"holder": "Titulaire inventé", "from_on": "2025-01-01", "acting_person": "personne-1"}
    yield ask("/confirmation", version=1, acting_person="personne-2")
    yield ask("", iban=WRONG_IBAN, **told)
    yield ask("", iban=ANOTHER_IBAN, **told, to_on="2024-12-31")
    yield ask("", iban=ANOTHER_IBAN, **told)
    yield ask("/confirmation", version=1, acting_person="personne-1")
    yield ask("/confirmation", version=2, acting_person="personne-2")


def _owed_to_members(desk: Desk, members: Sequence[str]) -> Iterator[Draft]:
    """What a batch is to pay: three members, one of whom has told no account; one sum tomorrow."""
    for i, rpps in enumerate(members):
        yield pay(desk, PLAINE, f"lot-{i}", rpps, 200_00 + i, "2025-11-20", is_paid_by_batch=True)
    later = {"is_paid_by_batch": True, "function": "protocole"}
    yield pay(desk, PLAINE, "lot-demain", members[1], 80_00, "2025-11-27", **later)


def _first_batches(desk: Desk) -> Iterator[Draft]:
    """The first of the caisse, sent twice, once for a day that is over; the first of a CPTS."""
    yield _batch(desk, "lot-1", execute_on="2025-11-25")
    yield _batch(desk, "lot-1", execute_on="2025-11-27")
    yield _batch(desk, "lot-1")
    yield _batch(desk, "membres-1", PLAINE)


def _first_answers(desk: Desk, paid: Sequence[str], members: Sequence[str]) -> Iterator[Draft]:
    """All is paid but one order of each batch, which is rejected; four files are refused whole."""
    done = [f"{_order_id('lot-1', one)};executed;2025-11-27;" for one in paid if one != EAST]
    rejected = f"{_order_id('lot-1', EAST)};rejected;2025-11-27;AC04"
    yield _file(desk, "lot-1", *done, f"{_order_id('lot-1', EAST)};perdu;2025-11-27;")
    yield _file(desk, "lot-1", *done, f"{_order_id('lot-1', 'personne')};executed;2025-11-27;")
    yield _file(desk, "lot-0", *done)
    yield _file(desk, "lot-1", *done, rejected)
    yield _file(desk, "lot-1", *done, rejected)
    yield _file(desk, "lot-1", f"{_order_id('lot-1', EAST)};executed;2025-11-28;")
    first, second = (_order_id("membres-1", PLAINE, rpps) for rpps in members[:2])
    lines = (f"{first};executed;2025-11-28;", f"{second};rejected;2025-11-28;MD07")
    yield _file(desk, "membres-1", *lines, cpts_id=PLAINE)


def _wrong_rate(desk: Desk) -> Iterator[Draft]:
    """An amount that was paid turns out to be another: 5 000 euros too much each time."""
    rate = {
        "rate_id": "demo/fonctionnement/fonctionnement/T3/relu",
        "from_on": "2019-06-20",
        "taille": 3,
        "mission": "fonctionnement",
        "part": "fonctionnement",
        "amount_cents": 70_000_00,
        "text": "Montant inventé pour la démonstration : aucun texte",
        "is_verified": True,
    }
    yield desk.payments("POST", "/rates", rate)


def _second_batches(desk: Desk, members: Sequence[str]) -> Iterator[Draft]:
    """What was rejected is ordered again on another account, what was overpaid is taken back from
    what is due since; one order is paid and comes back.
    """
    path = f"/cpts/{EAST}"
    yield from _account(desk, path, "courant", ANOTHER_IBAN, "cpts", version=2)
    first = members[0]
    yield pay(desk, PLAINE, "lot-0", first, 150_00, "2025-11-20", is_paid_by_batch=True)
    yield pay(desk, PLAINE, "lot-de-plus", first, 75_50, "2025-12-20", is_paid_by_batch=True)
    yield _batch(desk, "lot-2")
    yield _batch(desk, "membres-2", PLAINE)
    returned = _order_id("lot-2", EAST)
    yield _file(desk, "lot-2", f"{returned};executed;2025-12-23;")
    yield _file(desk, "lot-2", f"{returned};refunded;2025-12-23;AC01")
    yield _file(desk, "lot-2", f"{_order_id('lot-2', WEST)};executed;2025-12-23;")


def _report(day: str, *transactions: str, kind: str = "pain.002.001.10", head: str = "") -> str:
    """A bank's report on the status of payments (pain.002)."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>{head}'
        f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:{kind}"><CstmrPmtStsRpt>'
        f"<GrpHdr><MsgId>releve</MsgId><CreDtTm>{day}T08:00:00</CreDtTm></GrpHdr>"
        f"<OrgnlPmtInfAndSts><OrgnlPmtInfId>lot</OrgnlPmtInfId>{''.join(transactions)}"
        "</OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>"
    )


def _status(order_id: str, status: str, *, accepted_on: str = "", reason: str = "") -> str:
    """What a report says of one order."""
    why = f"<StsRsnInf><Rsn><Cd>{reason}</Cd></Rsn></StsRsnInf>" if reason else ""
    when = f"<AccptncDtTm>{accepted_on}T17:00:00</AccptncDtTm>" if accepted_on else ""
    return (
        f"<TxInfAndSts><OrgnlEndToEndId>{order_id}</OrgnlEndToEndId><TxSts>{status}</TxSts>"
        f"{why}{when}</TxInfAndSts>"
    )


def _reports_of_members(desk: Desk, members: Sequence[str]) -> Iterator[Draft]:
    """Of the two orders of a CPTS one is settled and one rejected, which is told twice."""
    first, second = (_order_id("membres-2", PLAINE, rpps) for rpps in members[:2])
    said = (_status(first, "ACCC"), _status(second, "RJCT", reason="MD07"))
    for _ in range(2):
        yield _told(desk, "membres-2", _report("2025-12-24", *said), PLAINE)


def _reports(desk: Desk) -> Iterator[Draft]:
    """Accepted, which is no answer yet; three files that are refused whole; settled the day
    before it is told.
    """
    one, day = _order_id("lot-3", EAST), "2026-03-13"
    done = _status(one, "ACSC", accepted_on="2026-03-12")
    yield _told(desk, "lot-3", _report(day, _status(one, "ACSP"), _status("inconnu", "PDNG")))
    yield _told(desk, "lot-3", _report(day, done, head='<!DOCTYPE d [<!ENTITY e "e">]>'))
    yield _told(desk, "lot-3", _report(day, done, kind="pain.001.001.09"))
    yield _told(desk, "lot-3", _report(day, done, _status("vir-0", "RJCT", reason="AC04")))
    yield _told(desk, "lot-3", _report(day, done))
    yield _told(desk, "lot-3", _report(day, _status(one, "RJCT", reason="AC04")))
