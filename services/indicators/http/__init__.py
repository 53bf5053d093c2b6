"""What people may ask of indicators or order: figures down to their facts, what they declare."""

from typing import Any

from services.indicators.domain.rule import CountingRule
from services.indicators.http import (
    activities,
    attributions,
    crises,
    dated,
    evidence,
    figures,
    levels,
    samples,
    values,
)


def make_routes(rule: CountingRule) -> tuple[Any, ...]:
    """The routes of the service, some of which follow the counting rule."""
    parts = (figures, activities, values, levels, samples, dated, evidence, crises, attributions)
    return tuple(route for part in parts for route in part.make_routes(rule))
