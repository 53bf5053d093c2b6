"""What people may ask of payments or order: lines, rates, funding, explanations, the ledger."""

from services.payments.http import bank_accounts, funding, indemnities, ledger, lines, rates

ROUTES = (
    *lines.ROUTES,
    *rates.ROUTES,
    *funding.ROUTES,
    *ledger.ROUTES,
    *indemnities.ROUTES,
    *bank_accounts.ROUTES,
)
