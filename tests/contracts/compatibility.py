"""What makes a new schema of an event incompatible with an older one.

Old bodies stay in the log for ever and old consumers go on reading, so a change must be right both
ways: new code reads old bodies, old code reads new bodies. Allowed: a new event type, a new field
that is not required, other texts. A closed list of words neither loses nor gains one, because an
old consumer decodes strictly (a list that may grow is a `str`), and a field never stops being
required, because an old consumer would miss it.

The base is where the branch left `main`: the merge base of HEAD and `origin/main`, else of HEAD
and the local `main`. On `main` itself that is HEAD, so its parent is taken: CI on `main` then
judges the last commit, and a working tree on `main` the last commit and what is not committed. A
clone without any older commit has no base.
"""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

Schema = Mapping[str, Any]

REPOSITORY = Path(__file__).parent.parent.parent
SCHEMAS = "contracts/schemas"
DOCUMENT = "contracts/asyncapi.yaml"

# What a value may be, and what it is when it is absent: old bodies keep their meaning.
KEYWORDS = (
    *("type", "format", "const", "default", "pattern", "minItems", "maxItems", "minLength"),
    *("maxLength", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
)
DOCUMENT = "contracts/asyncapi.yaml"

# What a value may be, and what it is when it is absent: old bodies keep their meaning.
KEYWORDS = (
    *("type", "format", "const", "default", "pattern", "minItems", "maxItems", "minLength"),
    *("maxLength", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
)


def incompatibilities(old: Schema, new: Schema | None) -> list[str]:
    """What the new schema of an event type breaks, one sentence each; None: no longer there."""
    name = str(old.get("title", "the event"))
    if new is None:
        return [f"{name} was removed"]
    return _of_value(name, old, new, old.get("$defs", {}), new.get("$defs", {}))


def incompatibilities_of_all(old: Mapping[str, Schema], new: Mapping[str, Schema]) -> list[str]:
    """The same over all event types, by file name."""
    return [each for name in old for each in incompatibilities(old[name], new.get(name))]


def incompatibilities_of_documents(old: Schema, new: Schema) -> list[str]:
    """What the new AsyncAPI document breaks of where events travel, and under which headers."""
    found = []
    for name, channel in old["channels"].items():
        if name not in new["channels"]:
            found.append(f"channel {name} was removed")
        elif channel["address"] != new["channels"][name]["address"]:
            found.append(f"channel {name} was {channel['address']}")
    old_parts, new_parts = old["components"], new["components"]
    found += _of_value(
        "envelope", old_parts["schemas"]["envelope"], new_parts["schemas"]["envelope"], {}, {}
    )
    for name, message in old_parts["messages"].items():
        if name not in new_parts["messages"]:
            found.append(f"message {name} was removed")
            continue
        headers = new_parts["messages"][name]["headers"]
        found += _of_value(f"headers of {name}", message["headers"], headers, {}, {})
    return found


def _of_value(
    path: str, old: Schema, new: Schema, old_definitions: Schema, new_definitions: Schema
) -> list[str]:
    old, new = _resolved(old, old_definitions), _resolved(new, new_definitions)
    if "anyOf" in old or "anyOf" in new:
        return _of_alternatives(path, old, new, old_definitions, new_definitions)
    found = [
        f"{path} had {keyword} {old.get(keyword)!r} and has {new.get(keyword)!r}"
        for keyword in KEYWORDS
        if old.get(keyword) != new.get(keyword)
    ]
    found += _of_words(path, old, new)
    if "items" in old and "items" in new:
        found += _of_value(
            f"{path}[]", old["items"], new["items"], old_definitions, new_definitions
        )
    return found + _of_fields(path, old, new, old_definitions, new_definitions)


def _of_fields(
    path: str, old: Schema, new: Schema, old_definitions: Schema, new_definitions: Schema
) -> list[str]:
    old_fields, new_fields = old.get("properties", {}), new.get("properties", {})
    old_required, new_required = set(old.get("required", ())), set(new.get("required", ()))
    found = [f"{path}.{field} was removed" for field in old_fields if field not in new_fields]
    found += [f"{path}.{field} is now required" for field in sorted(new_required - old_required)]
    found += [
        f"{path}.{field} is no longer required"
        for field in sorted(old_required - new_required)
        if field in new_fields
    ]
    for field in old_fields:
        if field in new_fields:
            found += _of_value(
                f"{path}.{field}",
                old_fields[field],
                new_fields[field],
                old_definitions,
                new_definitions,
            )
    return found


def _of_words(path: str, old: Schema, new: Schema) -> list[str]:
    if "enum" not in old and "enum" not in new:
        return []
    if "enum" not in old or "enum" not in new:
        return [
            f"{path} was one of {old.get('enum', 'any')!r}, is one of {new.get('enum', 'any')!r}"
        ]
    gone = [word for word in old["enum"] if word not in new["enum"]]
    come = [word for word in new["enum"] if word not in old["enum"]]
    return [f"{path} may no longer be {word!r}" for word in gone] + [
        f"{path} may now also be {word!r}" for word in come
    ]


def _of_alternatives(
    path: str, old: Schema, new: Schema, old_definitions: Schema, new_definitions: Schema
) -> list[str]:
    """Alternatives are paired by their kind; both a lost and a new one break somebody."""
    olds = {_kind(each, old_definitions): each for each in old.get("anyOf", [old])}
    news = {_kind(each, new_definitions): each for each in new.get("anyOf", [new])}
    found = [f"{path} may no longer be {kind}" for kind in olds if kind not in news]
    found += [f"{path} may now also be {kind}" for kind in news if kind not in olds]
    for kind, each in olds.items():
        if kind in news:
            found += _of_value(path, each, news[kind], old_definitions, new_definitions)
    return found


def _kind(schema: Schema, definitions: Schema) -> str:
    schema = _resolved(schema, definitions)
    return " ".join(str(schema[key]) for key in ("type", "format", "title") if key in schema)


def _resolved(schema: Schema, definitions: Schema) -> Schema:
    if "$ref" not in schema:
        return schema
    resolved: Schema = definitions[schema["$ref"].removeprefix("#/$defs/")]
    return resolved


def base_commit(repository: Path = REPOSITORY) -> str | None:
    """The commit that this tree must stay compatible with, None when the clone has none."""
    head = _git(repository, "rev-parse", "HEAD")
    for branch in ("origin/main", "main"):
        base = _git(repository, "merge-base", "HEAD", branch)
        if base is not None and base != head:
            return base
    return _git(repository, "rev-parse", "--verify", "--quiet", "HEAD~1")


def schemas_at(commit: str, repository: Path = REPOSITORY) -> dict[str, Schema]:
    """The committed schemas of a commit by file name; none when it had none."""
    listed = _git(repository, "ls-tree", "--name-only", f"{commit}:{SCHEMAS}")
    return {
        name: json.loads(_git(repository, "show", f"{commit}:{SCHEMAS}/{name}") or "")
        for name in (listed or "").splitlines()
    }


def document_at(commit: str, repository: Path = REPOSITORY) -> Schema | None:
    """The AsyncAPI document of a commit, None when it had none."""
    text = _git(repository, "show", f"{commit}:{DOCUMENT}")
    return None if text is None else yaml.safe_load(text)


def schemas_in(directory: Path) -> dict[str, Schema]:
    """The schemas of a folder by file name."""
    return {path.name: json.loads(path.read_text("utf-8")) for path in directory.glob("*.json")}


def _git(repository: Path, *arguments: str) -> str | None:
    done = subprocess.run(
        ["git", "-C", str(repository), *arguments], capture_output=True, text=True, check=False
    )
    return done.stdout.strip() if done.returncode == 0 else None
