"""What the caisse owes a CPTS under its ACI, sum by sum."""

from datetime import date

import msgspec


class DueSet(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="payments.DueSet.v1"):
    """The caisse owes a CPTS a sum from `due_on` on; a later one of the same id replaces it.

    `due_id` names the sum within the account: `fonctionnement:advance`,
    `acces_aux_soins:fixe:balance`, `variable`, `adjustment:2`, … `kind`: `fonctionnement`, `fixe`,
    `variable`, `complement_75`, `crise_reconnue`, `adjustment`, `recovery`, `lettre_intention`,
    `snp`. A negative amount is owed by the CPTS. A held sum rests on a rate that nobody has
    confirmed and is not paid: `rate_ids` are those it rests on. `explanation` is the arithmetic, in
    French, amounts in cents.
    """

    cpts_id: str
    contract_year_starts_on: date
    due_id: str
    kind: str
    amount_cents: int
    due_on: date
    is_held: bool
    mission: str | None = None
    rate_ids: tuple[str, ...] = ()
    explanation: str = ""
