"""What people may ask of indicators or order: figures down to their facts, what they declare."""

from typing import Any

from services.indicators.domain.rule import CountingRule
from services.indicators.http import activities, figures


def make_routes(rule: CountingRule) -> tuple[Any, ...]:
    """The routes of the service, some of which follow the counting rule."""
    return (*figures.make_routes(rule), *activities.make_routes(rule))
