"""How a part of a commune that several CPTS share is named.

Territories and demands name it alike, or they do not meet. It is one word, since it stays in the
log for ever and no sentence about a person may.
"""

from typing import Annotated

import msgspec

# `$` also matches before a last line feed; the look-ahead refuses it.
PATTERN = r"^[0-9A-Za-zÀ-ÖØ-öø-ÿŒœŸ][0-9A-Za-zÀ-ÖØ-öø-ÿŒœŸ'.-]{0,39}$(?!\n)"
PartName = Annotated[
    str,
    msgspec.Meta(
        pattern=PATTERN,
        description="Un mot d'au plus 40 lettres, chiffres, traits d'union, apostrophes ou points",
    ),
]
