"""The professions of health, by their code in the ANS's list TRE_G15-ProfessionSante.

The table is read once, at the first question, from `contracts/data/` (source and vintage:
`contracts/data/README.md`).
"""

import functools
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

_FILE = Path(__file__).parent / "data" / "professions.tsv"


@functools.cache
def professions() -> Mapping[str, str]:
    """The French label of each profession by code, read-only, sorted by code."""
    lines = _FILE.read_text(encoding="utf-8").splitlines()
    rows = (line.split("\t") for line in lines if not line.startswith("#"))
    return MappingProxyType(dict(rows))
