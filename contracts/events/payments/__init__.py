"""What the payments service says: rates, contract lines, and the variable funding that follows.

Amounts are integer cents of euro. Two aggregates: the scale of rates (`subject` `rates`, key `00`)
and the account of a CPTS and contract year (`subject` `<cpts_id>/<first day>`, the CPTS's key).
"""

from contracts.events.payments.dues import DueSet
from contracts.events.payments.estimates import (
    FundingEstimated,
    LineAmount,
    MissionAmount,
    VariableFundingChanged,
)
from contracts.events.payments.lines import ContractLineSet, LineMode, Step
from contracts.events.payments.scale import RateConfirmed, RatePublished
from contracts.events.payments.settlement import (
    DialogueLineSet,
    DialogueOpened,
    SettledRate,
    SettledTerms,
    YearAdjusted,
    YearSettled,
)

__all__ = [
    "ContractLineSet",
    "DialogueLineSet",
    "DialogueOpened",
    "DueSet",
    "FundingEstimated",
    "LineAmount",
    "LineMode",
    "MissionAmount",
    "PaymentsEvent",
    "RateConfirmed",
    "RatePublished",
    "SettledRate",
    "SettledTerms",
    "Step",
    "VariableFundingChanged",
    "YearAdjusted",
    "YearSettled",
]

PaymentsEvent = (
    RatePublished
    | RateConfirmed
    | ContractLineSet
    | FundingEstimated
    | VariableFundingChanged
    | DueSet
    | DialogueOpened
    | DialogueLineSet
    | YearSettled
    | YearAdjusted
)
