"""What is past its time goes: rows that were sent, answers under their keys, replayed letters.

docs/retention.md says of every table how long it keeps its rows, and what is lost with them.
"""

from services.messaging.database import Connection
from services.messaging.settings import Keeping

ROWS_AT_ONCE = 5_000

FORGET_SENT = """
    delete from outbox where position in (
        select position from outbox
        where sent_at < clock_timestamp() - make_interval(hours => $1) limit $2
    )
"""
FORGET_ANSWERS = """
    delete from order_answer where key in (
        select key from order_answer
        where answered_at < clock_timestamp() - make_interval(days => $1) limit $2
    )
"""
FORGET_REPLAYED = """
    delete from dead_letter where id in (
        select id from dead_letter
        where replayed_at < clock_timestamp() - make_interval(days => $1) limit $2
    )
"""


async def forget_what_is_past(connection: Connection, keeping: Keeping) -> bool:
    """Delete a part of what is past its time; answers whether there may be more.

    What was not sent, and letters that nobody replayed, stay for ever.
    """
    statuses = [
        await connection.execute(statement, kept_for, ROWS_AT_ONCE)
        for statement, kept_for in (
            (FORGET_SENT, keeping.sent_hours),
            (FORGET_ANSWERS, keeping.answers_days),
            (FORGET_REPLAYED, keeping.replayed_letters_days),
        )
    ]
    return any(int(status.split()[-1]) >= ROWS_AT_ONCE for status in statuses)
