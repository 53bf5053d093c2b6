"""What the indicators service says: the figures of each CPTS, contract year and indicator.

The aggregate is a figure: `subject` is `<cpts_id>/<indicator>/<contract year's first day>`, the
key is the CPTS's. Consumers keep the figure with the highest `revision`.
"""

from datetime import date

import msgspec


class FactChange(msgspec.Struct, frozen=True, kw_only=True):
    """A fact that this figure began to count, or no longer counts.

    `fact_id` is `referral:<id>`, `appointment:<platform id>` or `rpps:<number>`. Per fact, the
    highest revision stands.
    """

    fact_id: str
    is_counted: bool


class FigureChanged(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="indicators.FigureChanged.v1"
):
    """A figure has a new value. Both dates of the contract year are included in it.

    `revision` is the number of facts recorded behind the figure, so it only grows, and `facts` is
    what changed since the revision announced before. `indicator`: `sas_medecins_participants`,
    `sas_medecins_participants_via_cpts`, `sas_demandes_avec_rdv`.
    """

    cpts_id: str
    indicator: str
    contract_year_starts_on: date
    contract_year_ends_on: date
    value: int
    revision: int
    facts: tuple[FactChange, ...] = ()


IndicatorsEvent = FigureChanged
