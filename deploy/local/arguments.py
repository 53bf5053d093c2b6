"""What the commands take as an argument; what they do not take is told before anything starts."""

import argparse
import math
import re
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

Number = TypeVar("Number", int, float)


def instance_name(text: str) -> str:
    """The name of an instance: it becomes part of folders, databases and topics."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,40}", text):
        raise argparse.ArgumentTypeError("letters, digits, - and _ only, 41 at most")
    return text


def above_zero(kind: Callable[[str], Number]) -> Callable[[str], Number]:
    """Reads a number above 0: a whole one with `int`, any finite one with `float`."""

    def read(text: str) -> Number:
        with suppress(ValueError):
            number = kind(text)
            if 0 < number < math.inf:
                return number
        what = "a whole number" if kind is int else "a number"
        raise argparse.ArgumentTypeError(f"{text!r} is not {what} above 0")

    return read
