"""The foreign facts that referrals understand: which CPTS holds a place and who is a member."""

from contracts.events.membership import (
    CptsRegistered,
    FinessAssigned,
    MemberRecorded,
    TerritoryPlaceRecorded,
)

FROM_MEMBERSHIP = (CptsRegistered, FinessAssigned, TerritoryPlaceRecorded, MemberRecorded)
