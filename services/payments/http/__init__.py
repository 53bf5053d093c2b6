"""What people may ask of payments or order: the scale, funding, the ledger, money that moves."""

from services.payments.http import (
    bank_accounts,
    contract_years,
    dues,
    exports,
    foresight,
    funding,
    indemnities,
    ledger,
    lines,
    payment_orders,
    rates,
    settlement,
    simulation,
    statements,
)

ROUTES = (
    *lines.ROUTES,
    *rates.ROUTES,
    *funding.ROUTES,
    *foresight.ROUTES,
    *simulation.ROUTES,
    *dues.ROUTES,
    *ledger.ROUTES,
    *settlement.ROUTES,
    *contract_years.ROUTES,
    *indemnities.ROUTES,
    *bank_accounts.ROUTES,
    *payment_orders.ROUTES,
    *exports.ROUTES,
    *statements.ROUTES,
)
