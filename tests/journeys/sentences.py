"""A sentence that somebody writes where a word is asked for: in each name and text of an order."""

import copy
from collections.abc import Iterator
from string import Formatter
from typing import Any

SENTENCE = "Mme Durand de Nice rappelle pour son fils"
# A name of an indicator or line may be a contract's own; after what says so a sentence may hide.
IN_A_PATH = f"local_{SENTENCE}"
# These are words by nature, and about no patient.
WORDS = {
    "cpts_name": "the public name of an association",
    "holder": "the name of the association, caisse or professional that holds an account",
    "new_cpts_name": "the public name of an association",
    "structure_name": "the public name of an organisation",
    "tool_name": "the name of a product",
    "line_label": "what a contract calls one of its lines",
    "text": "the reference of the legal text that fixes a rate",
}


def with_a_sentence(template: str, body: Any) -> Iterator[tuple[str, str | None, Any]]:
    """An order once for each name in its path and each text in its body, which is a sentence there:
    what is told of it, the place in the path if it is one, the body.
    """
    for _, name, _, _ in Formatter().parse(template):
        if name:
            yield name, name, body
    for holder_of, name in places(body):
        if name in WORDS:
            continue
        changed = copy.deepcopy(body)
        holder = changed
        for key in holder_of:
            holder = holder[key]
        # An identifier of the Hub bears its sender's; after it a sentence may hide.
        holder[name] = SENTENCE
        if name == "distributionID":
            holder[name] = f"{body['senderID']}_{SENTENCE}"
        yield str(name), None, changed


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Every text in a body: the way to what holds it, and its name or index there."""
    keys = value if isinstance(value, dict) else range(len(value) if type(value) is list else 0)
    for key in keys:
        if isinstance(value[key], str):
            yield path, key
        yield from places(value[key], (*path, key))
