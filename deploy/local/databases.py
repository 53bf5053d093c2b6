"""One database and one role per service, closed to every other role.

The password of a role is derived from the administrator's connection string: whoever may
administer the server knows it without a file, and several processes that use one server agree.
"""

import hashlib
import hmac
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from psycopg import sql

from deploy.local.services import SERVICES

CONNECT_SECONDS = 10
_LOCK = 0x43505453  # "CPTS": one process at a time makes roles and databases


def role_password(admin_url: str, role: str) -> str:
    """The password of a service's role on the server that `admin_url` administers."""
    secret = urlsplit(admin_url).password or ""
    return hmac.new(secret.encode(), role.encode(), hashlib.sha256).hexdigest()[:32]


def database_urls(admin_url: str, suffix: str = "") -> dict[str, str]:
    """Each service's connection string, under its own role; nothing is made."""
    parts = urlsplit(admin_url)
    server = parts.netloc.rpartition("@")[2]
    return {
        service: urlunsplit(
            parts._replace(
                netloc=f"{service}:{quote(role_password(admin_url, service))}@{server}",
                path=f"/{service}{suffix}",
            )
        )
        for service in SERVICES
    }


def _connect(admin_url: str) -> "psycopg.Connection[tuple[object, ...]]":
    return psycopg.connect(admin_url, autocommit=True, connect_timeout=CONNECT_SECONDS)


def create_databases(admin_url: str, suffix: str = "") -> dict[str, str]:
    """Make the roles and databases that are missing; answers each service's connection string.

    A database is named after its service and `suffix` (for throw-away ones, such as `_t3f9`); the
    roles have no suffix. Running it again changes nothing.
    """
    with _connect(admin_url) as connection:
        connection.execute("select pg_advisory_lock(%s)", (_LOCK,))
        for service in SERVICES:
            _create_role(connection, service, role_password(admin_url, service))
            _create_database(connection, f"{service}{suffix}", service)
    return database_urls(admin_url, suffix)


def _create_role(
    connection: "psycopg.Connection[tuple[object, ...]]", role: str, password: str
) -> None:
    exists = connection.execute("select 1 from pg_roles where rolname = %s", (role,)).fetchone()
    verb = sql.SQL("alter" if exists else "create")
    connection.execute(
        sql.SQL(
            "{} role {} with login nosuperuser nocreatedb nocreaterole noreplication password {}"
        ).format(verb, sql.Identifier(role), sql.Literal(password))
    )


def _create_database(
    connection: "psycopg.Connection[tuple[object, ...]]", name: str, owner: str
) -> None:
    found = connection.execute("select 1 from pg_database where datname = %s", (name,)).fetchone()
    if not found:
        connection.execute(
            sql.SQL("create database {} owner {}").format(
                sql.Identifier(name), sql.Identifier(owner)
            )
        )
    _close_to_public(connection, name)


def create_database(admin_url: str, name: str, owner: str) -> None:
    """Make a database of a service's role, closed to every other; one that exists is kept."""
    with _connect(admin_url) as connection:
        _create_database(connection, name, owner)


def drop_database(admin_url: str, name: str) -> None:
    """Drop a database, if there is one, and end the sessions on it."""
    with _connect(admin_url) as connection:
        _drop(connection, name)


def replace_database(admin_url: str, name: str, *, by: str) -> None:
    """Drop a database and give its name to another one, whose content it then has."""
    with _connect(admin_url) as connection:
        _drop(connection, name)
        connection.execute(
            sql.SQL("alter database {} rename to {}").format(
                sql.Identifier(by), sql.Identifier(name)
            )
        )


def _drop(connection: "psycopg.Connection[tuple[object, ...]]", name: str) -> None:
    connection.execute(
        sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name))
    )


def _close_to_public(connection: "psycopg.Connection[tuple[object, ...]]", name: str) -> None:
    connection.execute(
        sql.SQL("revoke all on database {} from public").format(sql.Identifier(name))
    )


def close_administration(admin_url: str) -> None:
    """Keep the services' roles out of the administrator's database too (embedded servers only)."""
    with _connect(admin_url) as connection:
        for name in ("postgres", "template1"):
            _close_to_public(connection, name)


def drop_databases(admin_url: str, suffix: str) -> None:
    """Drop the databases of `suffix` and end the connections to them. The roles stay.

    Raises `ValueError` for an empty suffix, which would name the lasting databases.
    """
    if not suffix:
        raise ValueError("only databases with a suffix are dropped")
    with _connect(admin_url) as connection:
        for service in SERVICES:
            _drop(connection, f"{service}{suffix}")


def drop_databases_beginning(admin_url: str, suffix: str) -> None:
    """Drop the services' databases whose suffix begins so. Raises `ValueError` for an empty one."""
    if not suffix:
        raise ValueError("only databases with a suffix are dropped")
    with _connect(admin_url) as connection:
        found = connection.execute(
            "select datname from pg_database where datname::text ^@ any(%s)",
            ([f"{service}{suffix}" for service in SERVICES],),
        ).fetchall()
        for (name,) in found:
            _drop(connection, str(name))


def without_password(url: str) -> str:
    """A connection string fit to be shown."""
    parts = urlsplit(url)
    user, at, server = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user.partition(':')[0]}{at}{server}"))
