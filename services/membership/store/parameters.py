"""Where the dated parameters are kept: `parameters.toml`, read once."""

import functools
from pathlib import Path

from services.membership.domain.parameters import Parameters, read_parameters

FILE = Path(__file__).parents[1] / "parameters.toml"


@functools.cache
def load_parameters() -> Parameters:
    """The parameters of the file; msgspec.ValidationError when they are unsound."""
    return read_parameters(FILE.read_text(encoding="utf-8"))
