"""The schema: numbered SQL files, messaging's first, then the service's, into a chosen schema.

Yoyo applies and remembers them. Its own lock is a row that a killed process leaves behind, so an
advisory lock, which ends with its session, stands in for it.
"""

import asyncio
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import yoyo

from services.messaging.database import connect
from services.messaging.settings import Settings

OWN_SCHEMA = Path(__file__).parent / "schema"
LOCK = 4_220_001  # any number that nothing else in the database locks
WAIT_FOR_OTHER_SECONDS = 60


def yoyo_url(database_url: str, schema: str, lock_timeout_ms: int) -> str:
    """The address under which Yoyo reaches `schema` with psycopg 3."""
    url = urlsplit(database_url)
    options = {
        "lock_timeout": lock_timeout_ms,
        "idle_in_transaction_session_timeout": f"{WAIT_FOR_OTHER_SECONDS}s",
        "client_min_messages": "warning",
    }
    query = [
        *parse_qsl(url.query),
        ("schema", schema),
        ("application_name", "cpts-migrations"),
        ("options", " ".join(f"-c {name}={value}" for name, value in options.items())),
    ]
    return urlunsplit(("postgresql+psycopg", url.netloc, url.path, urlencode(query), ""))


def _apply(url: str, folders: tuple[Path, ...]) -> int:
    count = 0
    with yoyo.get_backend(url) as backend:
        for folder in folders:
            pending = backend.to_apply(yoyo.read_migrations(str(folder)))
            backend.apply_migrations(pending)
            count += len(pending)
    return count


async def migrate(settings: Settings, service_schema: Path | None, schema: str = "public") -> int:
    """Bring `schema` up to date, made if absent; answers how many migrations were applied."""
    folders = (OWN_SCHEMA,) if service_schema is None else (OWN_SCHEMA, service_schema)
    connection = await connect(settings, schema)
    try:
        await connection.execute(f"set lock_timeout = '{WAIT_FOR_OTHER_SECONDS}s'")
        await connection.execute("select pg_advisory_lock($1)", LOCK)
        await connection.execute(f'create schema if not exists "{schema}"')
        url = yoyo_url(settings.database_url, schema, settings.limits.lock_timeout_ms)
        return await asyncio.to_thread(_apply, url, folders)
    finally:
        await connection.close()
