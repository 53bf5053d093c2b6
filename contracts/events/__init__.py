"""The events of the five topics, one module a topic.

Frozen structs tagged by their type name. They only ever grow: a new field has a default, nothing
is renamed, retyped or removed; a word list that may grow is a `str` with its values documented.
Days are local dates in Europe/Paris and every `to_on` and `ends_on` is the last day, included.
No field may describe a patient; `tests/contracts/` bans the names.
"""
