"""The foreign facts that referrals understand: which CPTS holds a place, who is a member, what a
regulator booked.
"""

from contracts.events.gateway import SlotBooked
from contracts.events.membership import (
    CptsRegistered,
    FinessAssigned,
    MemberRecorded,
    TerritoryPlaceRecorded,
)

FROM_MEMBERSHIP = (CptsRegistered, FinessAssigned, TerritoryPlaceRecorded, MemberRecorded)
FROM_GATEWAY = (SlotBooked,)
