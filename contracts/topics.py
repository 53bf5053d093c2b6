"""The map of the log: every topic with its producer, its consumers, its key and why.

One topic a producing service and one producer a topic. Topics keep everything: state is rebuilt
from them.
"""

import types
from typing import Any, get_args

import msgspec

from contracts.events.gateway import GatewayEvent
from contracts.events.indicators import IndicatorsEvent
from contracts.events.membership import MembershipEvent
from contracts.events.payments import PaymentsEvent
from contracts.events.referrals import ReferralsEvent
from contracts.recorded import type_name

KEEP_FOR_EVER_MS = -1
PARTITIONS_IN_PRODUCTION = 128


class Topic(msgspec.Struct, frozen=True, kw_only=True):
    """A topic: who writes it, who reads it, and what its key promises."""

    name: str
    producer: str
    consumers: tuple[str, ...]
    why_key: str
    event: Any
    key: str = "departement"
    partitions: int = PARTITIONS_IN_PRODUCTION
    retention_ms: int = KEEP_FOR_EVER_MS

    def event_classes(self) -> tuple[type[msgspec.Struct], ...]:
        """The classes of this topic's events, in the order of their union."""
        if isinstance(self.event, types.UnionType):
            return get_args(self.event)
        return (self.event,)

    def event_types(self) -> tuple[str, ...]:
        """The type names of this topic's events."""
        return tuple(type_name(event_class) for event_class in self.event_classes())


MEMBERSHIP = Topic(
    name="membership",
    producer="membership",
    consumers=("referrals", "indicators", "payments", "gateway"),
    why_key="what is said of one CPTS stays in order; its key is its seat's at registration",
    event=MembershipEvent,
)
REFERRALS = Topic(
    name="referrals",
    producer="referrals",
    consumers=("indicators", "gateway"),
    why_key="a referral's life stays in order and a storm in one département delays no other",
    event=ReferralsEvent,
)
INDICATORS = Topic(
    name="indicators",
    producer="indicators",
    consumers=("payments",),
    why_key="a figure's revisions stay in order, with the CPTS's other figures",
    event=IndicatorsEvent,
)
PAYMENTS = Topic(
    name="payments",
    producer="payments",
    consumers=(),
    why_key="an account's changes stay in order; the scale of rates is national, under 00",
    event=PaymentsEvent,
)

GATEWAY = Topic(
    name="gateway",
    producer="gateway",
    consumers=("referrals",),
    why_key="an agenda's slots and a booking's life stay in order; accounts, under 00",
    event=GatewayEvent,
)

TOPICS = (MEMBERSHIP, REFERRALS, INDICATORS, PAYMENTS, GATEWAY)


def topic_of(producer: str) -> Topic:
    """The topic that a service writes; KeyError when it writes none."""
    return {topic.producer: topic for topic in TOPICS}[producer]
