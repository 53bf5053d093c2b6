"""The examples of events in `contracts/examples/`, as tests use them.

A file is named `<topic>/<Event>.v1.<case>.json`. It holds the envelope, the event, and which
consumers rely on it for what; a new file takes part in every test of `tests/contracts/` at once.

    examples.recorded("referrals/ReferralAccepted.v1.booked").event.cpts_id
"""

from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from contracts.recorded import Recorded, event_id, type_name
from contracts.topics import TOPICS, Topic

DIRECTORY = Path(__file__).parent.parent / "contracts" / "examples"


class Example(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file. `why` says in one sentence what its consumers rely on; `event` is the raw body."""

    relied_on_by: tuple[str, ...]
    why: str
    subject: str
    departement: str
    sequence: int
    occurred_at: datetime
    recorded_at: datetime
    cause: str
    event: msgspec.Raw


def names(topic: Topic | None = None) -> list[str]:
    """The examples of a topic, or of all: `<topic>/<Event>.v1.<case>`, sorted."""
    topics = TOPICS if topic is None else (topic,)
    return sorted(
        path.relative_to(DIRECTORY).with_suffix("").as_posix()
        for each in topics
        for path in (DIRECTORY / each.name).glob("*.json")
    )


def example(name: str) -> Example:
    """One file, as it stands; FileNotFoundError when there is none."""
    return msgspec.json.decode((DIRECTORY / f"{name}.json").read_bytes(), type=Example)


def body(name: str) -> Any:
    """The event of an example as plain JSON values."""
    return msgspec.json.decode(example(name).event)


def topic_of_example(name: str) -> Topic:
    """The topic that a name begins with."""
    (topic,) = (topic for topic in TOPICS if topic.name == name.split("/", maxsplit=1)[0])
    return topic


def recorded(name: str) -> Recorded[Any]:
    """One example as the log holds it, decoded strictly, with the id that its producer gives."""
    one = example(name)
    event = msgspec.json.decode(one.event, type=topic_of_example(name).event, strict=True)
    return Recorded(
        id=event_id(
            occurred_at=one.occurred_at,
            cause=one.cause,
            type_=type_name(type(event)),
            subject=one.subject,
            ordinal=one.sequence,
        ),
        subject=one.subject,
        sequence=one.sequence,
        departement=one.departement,
        occurred_at=one.occurred_at,
        recorded_at=one.recorded_at,
        cause=one.cause,
        event=event,
    )


def all_recorded(topic: Topic | None = None) -> list[Recorded[Any]]:
    """Every example of a topic, or of all, in the order of their names."""
    return [recorded(name) for name in names(topic)]
