"""What is past its time goes, however much there is; what waits stays, whatever its age.

docs/retention.md speaks of every table.
"""

import re
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
from msgspec.structs import replace

from contracts.topics import TOPICS
from deploy.local.services import ROOT, SERVICES
from services.messaging import outbox, retention
from services.messaging.process import running
from services.messaging.settings import Keeping, read_settings
from tests.messaging.raw import counted, until
from tests.messaging.toy import SPEAKER

NEEDED = {"DATABASE_URL": "postgresql://", "KAFKA_BOOTSTRAP_SERVERS": "kafka:9092"}
PAGE = (ROOT / "docs" / "retention.md").read_text("utf-8")
CREATED = re.compile(r"^create table (?:if not exists )?(\w+)", re.MULTILINE)

ADD_ANSWERS = """
    insert into order_answer (key, fingerprint, status, answered_at)
    select 'key-' || days, '', 200, clock_timestamp() - make_interval(days => days)
    from generate_series(0, 12) as days
"""
ADD_LETTERS = """
    insert into dead_letter (topic, topic_id, partition, position, headers, reason, replayed_at)
    select 'things', gen_random_uuid(), 0, days, '[]'::jsonb, 'a bug',
        clock_timestamp() - make_interval(days => days)
    from generate_series(0, 12) as days
    union all
    select 'things', gen_random_uuid(), 0, 99, '[]'::jsonb, 'not replayed', null
"""
LEFT = """
    select (select count(*) from outbox), (select count(*) from outbox where sent_at is null),
        (select count(*) from order_answer), (select count(*) from dead_letter),
        (select count(*) from dead_letter where replayed_at is null)
"""


async def _left(connection: asyncpg.Connection) -> tuple[int, ...]:
    row = await connection.fetchrow(LEFT)
    assert row is not None
    return tuple(row)


@pytest.mark.stack
async def test_what_is_past_its_time_goes_however_much_there_is_of_it(
    settings_of, monkeypatch
) -> None:
    monkeypatch.setattr(retention, "ROWS_AT_ONCE", 3)
    settings = replace(
        settings_of("speaker"),
        keeping=Keeping(sent_hours=5, answers_days=6, replayed_letters_days=7),
    )
    async with running(SPEAKER, settings):
        pass
    connection = await asyncpg.connect(settings.database_url)
    rows = outbox.make_rows([counted(f"s{n}", 1) for n in range(13)], 4)
    await outbox.add_rows(connection, rows, uuid4())
    await connection.execute(
        "update outbox set sent_at = clock_timestamp() - make_interval(hours => position::integer)"
    )
    await connection.execute(ADD_ANSWERS)
    await connection.execute(ADD_LETTERS)
    async with running(SPEAKER, settings):

        async def has_only_what_is_kept() -> bool:
            return await _left(connection) == (4, 0, 6, 8, 1)

        await until(has_only_what_is_kept)
    assert "key-5" in {row["key"] for row in await connection.fetch("select key from order_answer")}
    await connection.close()


@pytest.mark.stack
async def test_what_was_not_sent_and_not_replayed_stays_whatever_its_age(settings_of) -> None:
    settings = settings_of("speaker")
    async with running(SPEAKER, settings):
        pass
    connection = await asyncpg.connect(settings.database_url)
    await outbox.add_rows(connection, outbox.make_rows([counted("s", 1)], 4), uuid4())
    await connection.execute(
        "insert into dead_letter (topic, topic_id, partition, position, headers, reason,"
        " recorded_at) values ('things', gen_random_uuid(), 0, 1, '[]', 'a bug', '2001-01-01')"
    )
    assert not await retention.forget_what_is_past(connection, Keeping())
    assert await _left(connection) == (1, 1, 0, 1, 1)
    await connection.close()


def test_how_long_is_a_setting_and_never_nothing() -> None:
    assert read_settings("payments", NEEDED).keeping == Keeping()
    told = read_settings("payments", {**NEEDED, "CPTS_KEEP_ANSWERS_DAYS": "30"})
    assert told.keeping == Keeping(answers_days=30)
    with pytest.raises(ValueError, match="CPTS_KEEP_SENT_HOURS is 0"):
        read_settings("payments", {**NEEDED, "CPTS_KEEP_SENT_HOURS": "0"})


def _made(folder: Path) -> set[str]:
    sql = "\n".join(path.read_text("utf-8") for path in (folder / "schema").glob("*.sql"))
    return set(CREATED.findall(sql))


def _told(heading: str) -> set[str]:
    """The tables in the first cells of the rows under a heading of the page."""
    (section,) = re.findall(rf"^## {heading}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    cells = re.findall(r"^\| (`.+?) \|", section, re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}


@pytest.mark.parametrize("owner", ["messaging", *SERVICES])
def test_the_page_tells_of_every_table_and_of_no_other(owner: str) -> None:
    assert _told(owner) == _made(ROOT / "services" / owner)


def test_the_page_tells_of_every_topic_and_topics_keep_everything() -> None:
    assert _told("The log") == {topic.name for topic in TOPICS}
    assert {topic.retention_ms for topic in TOPICS} == {-1}
