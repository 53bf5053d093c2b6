"""What the payments service says: rates, contract lines, and the variable funding that follows.

Amounts are integer cents of euro. The aggregates: the scale of rates (`subject` `rates`, key `00`);
with the CPTS's key, the account of a CPTS and contract year (`<cpts_id>/<first day>`), what it is
paid (`<cpts_id>/payments`) and pays its members (`<cpts_id>/member-payments`), each sum that it
uses (`<cpts_id>/indemnities/<id>`, `<cpts_id>/uses/<id>`).
"""

from contracts.events.payments.dues import DueSet
from contracts.events.payments.estimates import (
    FundingEstimated,
    LineAmount,
    MissionAmount,
    VariableFundingChanged,
)
from contracts.events.payments.lines import ContractLineSet, LineMode, Step
from contracts.events.payments.orders import (
    MemberPaymentOrdered,
    OrderedDue,
    OrderedIndemnity,
    PaymentExecuted,
    PaymentOrdered,
    PaymentRefunded,
    PaymentRejected,
)
from contracts.events.payments.scale import RateConfirmed, RatePublished
from contracts.events.payments.settlement import (
    DialogueLineSet,
    DialogueOpened,
    SettledRate,
    SettledTerms,
    YearAdjusted,
    YearSettled,
)
from contracts.events.payments.uses import FundsUsed, IndemnityKind, IndemnityRecorded

__all__ = [
    "ContractLineSet",
    "DialogueLineSet",
    "DialogueOpened",
    "DueSet",
    "FundingEstimated",
    "FundsUsed",
    "IndemnityKind",
    "IndemnityRecorded",
    "LineAmount",
    "LineMode",
    "MemberPaymentOrdered",
    "MissionAmount",
    "OrderedDue",
    "OrderedIndemnity",
    "PaymentExecuted",
    "PaymentOrdered",
    "PaymentRefunded",
    "PaymentRejected",
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
    | IndemnityRecorded
    | FundsUsed
    | PaymentOrdered
    | MemberPaymentOrdered
    | PaymentExecuted
    | PaymentRejected
    | PaymentRefunded
    | DialogueOpened
    | DialogueLineSet
    | YearSettled
    | YearAdjusted
)
