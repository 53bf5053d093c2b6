"""The oracle's half about orders to payments: the scale, contract lines, dialogues de gestion, what
CPTS pay and use, the orders to banks.

Written from the rules; shares no code with the services.
"""

from datetime import date, datetime
from typing import Any

from deploy.local.demo.oracle_aci import MISSIONS
from deploy.local.demo.oracle_banking import CAISSE, Banking, owner
from deploy.local.demo.oracle_contracts import Contracts, paris_day
from deploy.local.demo.oracle_dues import Dues, dues_of
from deploy.local.demo.oracle_funds import Funds
from deploy.local.demo.oracle_levels import Levels
from deploy.local.demo.oracle_line_files import lines_of, rows_of
from deploy.local.demo.oracle_lines import Lines, line_refusal
from deploy.local.demo.oracle_missions import Missions
from deploy.local.demo.oracle_scale import Scale
from deploy.local.demo.oracle_settlement import Dialogues
from deploy.local.demo.orders import Order


class Payments:
    """Everything that payments is told."""

    def __init__(self, contracts: Contracts, missions: Missions, levels: Levels) -> None:
        self._contracts, self._missions = contracts, missions
        self.scale = Scale()
        self.lines: Lines = {}
        self.dialogues = Dialogues(contracts, self.scale, self.lines, levels)
        self.imported: set[tuple[str, date]] = set()
        self.funds = Funds()
        self.banking = Banking(self.funds)

    def order(self, order: Order) -> str:
        """The outcome of an order."""
        parts = order.path.strip("/").split("/")
        if order.role == "cpts" and order.acting_cpts != parts[1]:
            return "not_the_acting_cpts"
        if {"bank-accounts", "payment-batches"} & {*parts}:
            return self._bank_order(order, parts)
        today, body = paris_day(order.at), order.body
        match parts:
            case ["cpts", cpts_id, "contract-years", year, "lines"]:
                return self._line_file(cpts_id, date.fromisoformat(year), order)
            case ["rates"]:
                return self.scale.publish(body)
            case ["rates", "confirmations"]:
                return self.scale.confirm(body, today)
            case ["settlements"]:
                return self.dialogues.settle_many(body["years"], today)
            case ["cpts", cpts_id, "contract-years", year, *what]:
                return self._year_order(cpts_id, date.fromisoformat(year), what, body, order.at)
            case ["cpts", cpts_id, "indemnities", indemnity_id]:
                return self.funds.pay(cpts_id, indemnity_id, body)
            case ["cpts", cpts_id, "uses", use_id]:
                return self.funds.use(cpts_id, use_id, body)
        raise ValueError(f"the oracle knows no order {order.path}")

    def _year_order(
        self, cpts_id: str, year: date, what: list[str], body: dict[str, Any], at: datetime
    ) -> str:
        today = paris_day(at)
        match what:
            case ["lines", line_id]:
                return self._line(cpts_id, year, line_id, body)
            case ["dialogue"]:
                return self.dialogues.open(cpts_id, year, body, today)
            case ["dialogue", "lines", indicator]:
                return self.dialogues.say(cpts_id, year, indicator, body, at)
            case ["settlement"]:
                return self.dialogues.settle(cpts_id, year, body, today)
        raise ValueError(f"the oracle knows no order {what}")

    def _bank_order(self, order: Order, parts: list[str]) -> str:
        today, body, banking = paris_day(order.at), order.body, self.banking
        match parts:
            case ["caisse", "bank-accounts", account_id, *confirmed]:
                whose = CAISSE
            case ["cpts", cpts_id, "bank-accounts", account_id, *confirmed]:
                whose = owner((cpts_id, None))
            case ["cpts", cpts_id, "professionals", rpps, "bank-accounts", account_id, *confirmed]:
                whose = owner((cpts_id, rpps))
            case ["payment-batches"]:
                dues = {cpts_id: self.dues(cpts_id, today) for cpts_id in self._contracts.cpts}
                return banking.batch_of_caisse(body, dues, today)
            case ["cpts", cpts_id, "payment-batches"]:
                return banking.batch_of_cpts(cpts_id, body, today)
            case ["payment-batches", batch_id, "answers"]:
                return banking.answers(CAISSE, batch_id, order.content())
            case ["cpts", cpts_id, "payment-batches", batch_id, "answers"]:
                payer = owner((cpts_id, None))
                return banking.answers(payer, batch_id, order.content())
            case _:
                raise ValueError(f"the oracle knows no order {order.path}")
        if confirmed:
            return banking.confirm(whose, account_id, body)
        return banking.propose(whose, account_id, body)

    def dues(self, cpts_id: str, today: date) -> Dues:
        """What has fallen due to a CPTS by a day, as all is known now."""
        cpts = self._contracts.cpts[cpts_id]
        dues = dues_of(
            cpts.contract_years,
            tailles=cpts.tailles,
            missions=cpts.missions,
            crises=self._missions.crises_in(cpts.departement),
            scale=self.scale,
            dialogues=self.dialogues.of_cpts(cpts_id),
        )
        return {key: due for key, due in dues.items() if due.due_on <= today}

    def _line_file(self, cpts_id: str, year: date, order: Order) -> str:
        """The outcome of a file that replaces all lines of a year."""
        if order.role == "cpts":
            return "role_not_allowed"
        rows = rows_of(order.media_type, order.content())
        if isinstance(rows, str):
            return rows
        if cpts_id not in self._contracts.cpts:
            return "404"
        taille = self._contracts.cpts[cpts_id].tailles.get(year)
        rates = {name: self.scale.envelope(taille, name, year) for name in MISSIONS}
        envelopes = {name: rate.cents for name, rate in rates.items() if rate is not None}
        lines = lines_of(rows, envelopes)
        if lines is None:
            return "lines_refused"
        dialogue = self.dialogues.of(cpts_id, year)
        if dialogue is not None and dialogue.settled:
            return "year_settled"
        self.lines[cpts_id, year] = lines
        self.imported.add((cpts_id, year))
        return "ok"

    def _line(self, cpts_id: str, year: date, line_id: str, body: dict[str, Any]) -> str:
        indicator = body.get("indicator", line_id)
        refusal = line_refusal(body, indicator)
        if refusal is not None:
            return refusal
        lines = self.lines.setdefault((cpts_id, year), {})
        line = None if body.get("is_withdrawn") else body | {"indicator": indicator}
        dialogue = self.dialogues.of(cpts_id, year)
        if dialogue is not None and dialogue.settled and line != lines.get(line_id):
            return "year_settled"
        if line is None:
            lines.pop(line_id, None)
        else:
            lines[line_id] = line
        return "ok"
