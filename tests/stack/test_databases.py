"""Each service's role reaches its own database and no other."""

import psycopg
import pytest

from deploy.local import databases
from deploy.local.services import SERVICES
from deploy.local.stack import Stack

STRANGERS = [(role, other) for role in SERVICES for other in SERVICES if role != other]


def _database(url: str) -> str:
    return url.rpartition("/")[2]


def _with_database(url: str, database: str) -> str:
    return url.rpartition("/")[0] + f"/{database}"


@pytest.mark.parametrize("service", SERVICES)
def test_a_role_works_in_its_own_database(fresh_databases: dict[str, str], service: str) -> None:
    with psycopg.connect(fresh_databases[service]) as connection:
        connection.execute("create schema messaging create table kept (n int)")
        connection.execute("insert into messaging.kept values (1)")
        assert connection.execute("select n from messaging.kept").fetchall() == [(1,)]


@pytest.mark.parametrize(("role", "other"), STRANGERS)
def test_a_role_cannot_enter_another_database(stack: Stack, role: str, other: str) -> None:
    url = _with_database(stack.database_urls[role], _database(stack.database_urls[other]))
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(url)


@pytest.mark.parametrize("role", SERVICES)
@pytest.mark.parametrize("database", ["postgres", "template1"])
def test_a_role_cannot_enter_the_administration(stack: Stack, role: str, database: str) -> None:
    if "postgres" not in stack.components:
        pytest.skip("who enters a given server's own databases is for its owner to say")
    url = _with_database(stack.database_urls[role], database)
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(url)


def test_a_wrong_password_is_refused(stack: Stack) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(stack.database_urls["payments"], password="guess")


def test_a_role_has_no_power_over_the_server(fresh_databases: dict[str, str]) -> None:
    with psycopg.connect(fresh_databases["payments"]) as connection:
        rights = connection.execute(
            "select rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls"
            " from pg_roles where rolname = current_user"
        ).fetchone()
    assert rights == (False, False, False, False, False)


def test_making_the_databases_again_changes_nothing(
    stack: Stack, fresh_databases: dict[str, str]
) -> None:
    with psycopg.connect(fresh_databases["referrals"]) as connection:
        connection.execute("create table kept (n int)")
    suffix = _database(fresh_databases["referrals"]).removeprefix("referrals")
    assert databases.create_databases(stack.admin_url, suffix) == fresh_databases
    with psycopg.connect(fresh_databases["referrals"]) as connection:
        assert connection.execute("select count(*) from kept").fetchone() == (0,)


def test_the_databases_of_a_test_are_empty_again_for_the_next(
    stack: Stack, spare_suffixes: list[str]
) -> None:
    assert spare_suffixes, "a test before this one had fresh databases"
    for service, url in databases.database_urls(stack.admin_url, spare_suffixes[-1]).items():
        with psycopg.connect(url) as connection:
            assert (
                connection.execute(
                    "select relname from pg_class where relnamespace::regnamespace::text !~ '^pg_'"
                    " and relnamespace <> 'information_schema'::regnamespace"
                ).fetchall()
                == []
            ), service
            connection.execute("create table made_here (n int)")
            connection.rollback()


def test_dropping_needs_a_suffix(stack: Stack) -> None:
    with pytest.raises(ValueError, match="suffix"):
        databases.drop_databases(stack.admin_url, "")


def test_facts_are_dated_by_their_commit(stack: Stack) -> None:
    assert _settings(stack, "track_commit_timestamp") == {"track_commit_timestamp": "on"}


def test_facts_are_kept_durably(stack: Stack) -> None:
    if "postgres" not in stack.components:
        pytest.skip("how durable a given server is, is for its owner to say")
    settings = _settings(stack, "fsync", "synchronous_commit")
    assert settings == {"fsync": "on", "synchronous_commit": "on"}


def _settings(stack: Stack, *names: str) -> dict[str, str]:
    with psycopg.connect(stack.admin_url) as connection:
        rows = connection.execute(
            "select name, setting from pg_settings where name = any(%s)",
            (list(names),),
        ).fetchall()
    return dict(rows)
