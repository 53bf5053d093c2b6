"""The oracle's half about orders to payments: the scale, contract lines, dialogues de gestion, what
CPTS pay and use.

Written from the rules; shares no code with the services.
"""

from datetime import date
from typing import Any

from deploy.local.demo.oracle_contracts import Contracts, paris_day
from deploy.local.demo.oracle_funds import Funds
from deploy.local.demo.oracle_lines import Lines, line_refusal
from deploy.local.demo.oracle_scale import Scale
from deploy.local.demo.oracle_settlement import Dialogues
from deploy.local.demo.orders import Order


class Payments:
    """Everything that payments is told."""

    def __init__(self, contracts: Contracts) -> None:
        self.scale = Scale()
        self.lines: Lines = {}
        self.dialogues = Dialogues(contracts, self.scale, self.lines)
        self.funds = Funds()

    def order(self, order: Order) -> str:
        """The outcome of an order."""
        today, body = paris_day(order.at), order.body
        parts = order.path.strip("/").split("/")
        if order.role == "cpts" and order.acting_cpts != parts[1]:
            return "not_the_acting_cpts"
        match parts:
            case ["rates"]:
                return self.scale.publish(body)
            case ["rates", "confirmations"]:
                return self.scale.confirm(body, today)
            case ["cpts", cpts_id, "contract-years", year, "lines", line_id]:
                return self._line(cpts_id, date.fromisoformat(year), line_id, body)
            case ["cpts", cpts_id, "contract-years", year, "dialogue"]:
                return self.dialogues.open(cpts_id, date.fromisoformat(year), body, today)
            case ["cpts", cpts_id, "contract-years", year, "dialogue", "lines", indicator]:
                return self.dialogues.say(cpts_id, date.fromisoformat(year), indicator, body, today)
            case ["cpts", cpts_id, "contract-years", year, "settlement"]:
                return self.dialogues.settle(cpts_id, date.fromisoformat(year), body, today)
            case ["cpts", cpts_id, "indemnities", indemnity_id]:
                return self.funds.pay(cpts_id, indemnity_id, body)
            case ["cpts", cpts_id, "uses", use_id]:
                return self.funds.use(cpts_id, use_id, body)
        raise ValueError(f"the oracle knows no order {order.path}")

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
