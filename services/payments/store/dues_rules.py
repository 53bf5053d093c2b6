"""Where the rules of the calendar are kept: `parameters.toml`, read once."""

import functools
from pathlib import Path

from services.payments.domain.dues_rules import DuesRules, read_dues_rules

FILE = Path(__file__).parents[1] / "parameters.toml"


@functools.cache
def load_dues_rules() -> DuesRules:
    """The rules of the file; msgspec.ValidationError when they are unsound."""
    return read_dues_rules(FILE.read_text(encoding="utf-8"))
