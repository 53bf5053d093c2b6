"""Servers that the environment gives: what they must be, and how our part of them is taken away.

An instance on given servers puts its own name into the names of its topics and databases, so that
several instances share a server, and each can be deleted without touching what is not its own.
"""

import psycopg
from aiokafka.errors import KafkaError

from contracts.topics import TOPICS
from deploy.local import databases, topics
from deploy.local.processes import ComponentFailed

KAFKA_VARIABLE = "KAFKA_BOOTSTRAP_SERVERS"
POSTGRES_VARIABLE = "POSTGRES_URL"
POSTGRES_VERSION = 18
NEEDED = """
    select current_setting('server_version_num')::integer / 10000,
        current_setting('track_commit_timestamp'),
        rolsuper or (rolcreatedb and rolcreaterole)
    from pg_roles where rolname = current_user
"""
DEFAULT = "or unset it: an embedded one is then started"


def database_suffix(namespace: str) -> str:
    """What follows a service's name in the name of its database; nothing on a server of our own."""
    return f"_{namespace.rstrip('-')}" if namespace else ""


def _unfit(component: str, variable: str, what: str, advice: str) -> ComponentFailed:
    return ComponentFailed(component, f"of {variable} {what}", None, f"{advice}; {DEFAULT}")


def check_kafka(address: str) -> None:
    """See that a given Kafka answers. Raises `ComponentFailed`."""
    try:
        topics.names(address)
    except (KafkaError, OSError, ValueError) as error:
        raise _unfit(
            "Kafka", KAFKA_VARIABLE, f"does not answer: {error}", f"look at {KAFKA_VARIABLE}"
        ) from error


def check_postgres(admin_url: str) -> None:
    """See that a given PostgreSQL can carry the services. Raises `ComponentFailed`."""
    try:
        with psycopg.connect(admin_url, connect_timeout=databases.CONNECT_SECONDS) as connection:
            row = connection.execute(NEEDED).fetchone()
    except psycopg.Error as error:
        what = f"does not let us in: {str(error).strip()}"
        raise _unfit(
            "PostgreSQL", POSTGRES_VARIABLE, what, f"look at {POSTGRES_VARIABLE}"
        ) from error
    assert row is not None, "whoever is logged in has a role"
    version, commit_timestamps, may_administer = row
    for is_fit, what, advice in (
        (
            version >= POSTGRES_VERSION,
            f"is version {version}; {POSTGRES_VERSION} or later is needed",
            f"give a PostgreSQL {POSTGRES_VERSION}",
        ),
        (
            commit_timestamps == "on",
            "does not date its commits, by which delays are measured",
            "set track_commit_timestamp = on in its postgresql.conf and restart it",
        ),
        (
            may_administer,
            "gives a role that may not make roles and databases",
            "give the URL of a superuser",
        ),
    ):
        if not is_fit:
            raise _unfit("PostgreSQL", POSTGRES_VARIABLE, what, advice)


def check(*, kafka: str, admin_url: str) -> None:
    """See that the given servers, empty for our own, can be worked on. Raises `ComponentFailed`."""
    if kafka:
        check_kafka(kafka)
    if admin_url:
        check_postgres(admin_url)


def create_databases(admin_url: str, suffix: str) -> None:
    """Make the services' roles and databases on a given server. Raises `ComponentFailed`."""
    try:
        databases.create_databases(admin_url, suffix)
    except psycopg.Error as error:
        what = f"refuses to make a role or a database: {str(error).strip()}"
        raise _unfit(
            "PostgreSQL", POSTGRES_VARIABLE, what, "give the URL of a superuser"
        ) from error


def clear(*, kafka: str, admin_url: str, namespace: str, is_ephemeral: bool) -> list[str]:
    """Delete an instance's topics and databases from given servers; answers what stays, and why.

    An empty address is a server of our own, whose data lies in the instance's folder. An ephemeral
    instance's namespace is drawn: all that begins with it is deleted, what tests made too. A
    lasting one's may begin another's: its topics and databases are deleted by their whole names.
    """
    if not namespace:
        return []
    left = []
    if kafka:
        own = {f"{namespace}{topic.name}" for topic in TOPICS}
        try:
            topics.delete_topics(
                kafka, lambda name: name.startswith(namespace) if is_ephemeral else name in own
            )
        except (KafkaError, OSError) as error:
            left.append(f"the topics {namespace}… of {kafka}: {error}")
    if admin_url:
        suffix = database_suffix(namespace)
        try:
            if is_ephemeral:
                databases.drop_databases_beginning(admin_url, suffix)
            databases.drop_databases(admin_url, suffix)
        except psycopg.Error as error:
            server = databases.without_password(admin_url)
            left.append(f"the databases …{suffix} of {server}: {str(error).strip()}")
    return left
