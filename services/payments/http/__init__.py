"""What people may ask of payments or order: the scale, funding, the ledger, money that moves."""

from services.payments.http import (
    bank_accounts,
    exports,
    foresight,
    funding,
    indemnities,
    ledger,
    lines,
    payment_orders,
    rates,
    statements,
)

ROUTES = (
    *lines.ROUTES,
    *rates.ROUTES,
    *funding.ROUTES,
    *foresight.ROUTES,
    *ledger.ROUTES,
    *indemnities.ROUTES,
    *bank_accounts.ROUTES,
    *payment_orders.ROUTES,
    *exports.ROUTES,
    *statements.ROUTES,
)
