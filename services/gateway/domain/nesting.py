"""How deep a JSON text nests, told before anything reads it."""

import re

DEPTH_MAX = 32
"""FHIR's own resources nest some ten levels."""
# One that does not end is taken whole, so that each byte is looked at once.
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"?', re.DOTALL)
_BRACKET = re.compile(rb"[\[\]{}]")


def depth_of(text: bytes) -> int:
    """How many arrays and objects stand inside each other at most; brackets in strings are text.

    The text need not be JSON: whoever reads it says so.
    """
    deepest = depth = 0
    for found in _BRACKET.finditer(_STRING.sub(b"", text)):
        depth += 1 if found[0] in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest
