"""Records that could not be handled: kept whole, listed, and replayed once the cause is mended."""

import base64
from collections.abc import Iterable
from typing import Any

import msgspec

from services.messaging.codec import Breach, Record
from services.messaging.database import Connection
from services.messaging.meters import departement_of

ADD = """
    insert into dead_letter (
        topic, topic_id, partition, position, type, key, headers, body, reason
    )
    select topic, topic_id, partition, position, type, key, headers, body, reason
    from unnest(
        $1::text[], $2::integer[], $3::bigint[], $4::text[],
        $5::bytea[], $6::jsonb[], $7::bytea[], $8::text[]
    ) with ordinality as new (
        topic, partition, position, type, key, headers, body, reason, place
    )
    left join stored_offset using (topic, partition)
    order by place
    on conflict (topic, topic_id, partition, position)
    do update set reason = excluded.reason, recorded_at = excluded.recorded_at, replayed_at = null
"""
LIST = """
    select id, topic, partition, position, type, reason, recorded_at, replayed_at,
        headers::text as headers, key, body
    from dead_letter
    where ($1 or replayed_at is null) and id < $2
    order by id desc
    limit $3
"""
LOCK_ONE = """
    select id, topic, partition, position, key, headers::text as headers, body, replayed_at
    from dead_letter where id = $1 for update
"""
MARK_REPLAYED = "update dead_letter set replayed_at = clock_timestamp() where id = $1"
REASON_LENGTH_MAX = 2000


class KeptRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A dead letter read back as the record it was."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]


def _clean(text: str) -> str:
    """Text that PostgreSQL can store: it has no zero character."""
    return text.replace("\0", "\\0")


def _write_header(name: str, value: bytes | None) -> dict[str, str | None]:
    """A header readable when it is text, exact in any case."""
    if value is None:
        return {"name": _clean(name), "text": None}
    try:
        text = value.decode()
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        return {"name": _clean(name), "base64": base64.b64encode(value).decode()}
    return {"name": _clean(name), "text": text}


def _read_header(header: dict[str, str | None]) -> tuple[str, bytes | None]:
    name = header["name"] or ""
    if (encoded := header.get("base64")) is not None:
        return name, base64.b64decode(encoded)
    text = header["text"]
    return name, None if text is None else text.encode()


async def add_dead_letters(
    connection: Connection, names: dict[str, str], breaches: Iterable[tuple[Record, Breach]]
) -> None:
    """Keep records that broke the contract; `names` maps a Kafka topic to its contract's name.

    Their topic's id is the one that the stored offsets speak of, which must be there.
    """
    rows = [
        (
            names[record.topic],
            record.partition,
            record.offset,
            None if breach.type is None else _clean(breach.type),
            record.key,
            msgspec.json.encode([_write_header(*header) for header in record.headers]).decode(),
            record.value,
            _clean(breach.reason)[:REASON_LENGTH_MAX],
        )
        for record, breach in breaches
    ]
    await connection.execute(ADD, *(list(column) for column in zip(*rows, strict=True)))


async def list_dead_letters(
    connection: Connection, *, with_replayed: bool, after: int, limit: int
) -> list[dict[str, Any]]:
    """The dead letters, newest first, those already replayed only when asked for; those
    before `after`.

    `departement` is the one that the record's key names; `unknown` where it names none.
    """
    rows = await connection.fetch(LIST, with_replayed, after, limit)
    return [
        {
            **{name: value for name, value in row.items() if name != "key"},
            "departement": departement_of(row["key"]),
            "headers": msgspec.json.decode(row["headers"]),
            "body": None if row["body"] is None else row["body"].decode(errors="replace"),
        }
        for row in rows
    ]


async def lock_dead_letter(
    connection: Connection, id_: int, kafka_names: dict[str, str]
) -> tuple[KeptRecord, bool] | None:
    """A dead letter as the record it was, and whether it was replayed; None when there is none."""
    row = await connection.fetchrow(LOCK_ONE, id_)
    if row is None:
        return None
    headers = msgspec.json.decode(row["headers"])
    record = KeptRecord(
        topic=kafka_names.get(row["topic"], row["topic"]),
        partition=row["partition"],
        offset=row["position"],
        key=row["key"],
        value=row["body"],
        headers=tuple(_read_header(header) for header in headers),
    )
    return record, row["replayed_at"] is not None


async def mark_replayed(connection: Connection, id_: int) -> None:
    """Say that a dead letter has been handled after all."""
    await connection.execute(MARK_REPLAYED, id_)
