"""What `/metrics` tells of offers that await an answer."""

from typing import Final

from services.messaging.meters import Gauge

OFFERS_OPEN: Final = Gauge(
    name="cpts_offers_open",
    help="Offers that await the answer of a CPTS.",
    query="""
        select departement, count(*) from referral
        where state = 'offered' and offered_at <= $1 group by departement
    """,
)
OFFERS_EXPIRING: Final = Gauge(
    name="cpts_offers_expiring",
    help="Offers whose time to answer ends within ten minutes, or has ended.",
    query="""
        select departement,
               count(*) filter (where answer_by <= $1::timestamptz + interval '10 minutes')
        from referral where state = 'offered' group by departement
    """,
)
