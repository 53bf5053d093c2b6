"""What people may ask of payments or order: lines, rates, funding, explanations, the ledger."""

from services.payments.http import foresight, funding, ledger, lines, rates

ROUTES = (*lines.ROUTES, *rates.ROUTES, *funding.ROUTES, *foresight.ROUTES, *ledger.ROUTES)
