"""What people may ask of payments or order: lines, rates, funding, explanations, the ledger."""

from services.payments.http import dues, funding, ledger, lines, rates, settlement

ROUTES = (
    *lines.ROUTES,
    *rates.ROUTES,
    *funding.ROUTES,
    *dues.ROUTES,
    *ledger.ROUTES,
    *settlement.ROUTES,
)
