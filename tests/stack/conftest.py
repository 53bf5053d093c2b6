"""A state and a cache of the test's own, in a folder whose name has spaces and an accent; the real
services in an instance that the commands find.
"""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local import folders, instance
from deploy.local.stack import Stack

PARTITIONS = 4


@pytest.fixture
def own_home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home with Kafka's jars in its cache, its instances ended and deleted at the end."""
    cache = folders.cache_folder()
    home = Path(tempfile.mkdtemp(prefix="cpts à l'essai "))
    home.chmod(0o755)
    (home / "cache").mkdir(mode=0o755)
    (home / "cache" / folders.APPLICATION).symlink_to(cache)
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))
    monkeypatch.setenv("XDG_STATE_HOME", str(home / "state"))
    for replaced in ("KAFKA_BOOTSTRAP_SERVERS", "POSTGRES_URL", "CPTS_INSTANCE"):
        monkeypatch.delenv(replaced, raising=False)
    yield home
    for folder in (home / "state").glob("*/*/*"):
        instance.discard(folder)
    shutil.rmtree(home)


@pytest.fixture(scope="module")
def platform(stack: Stack) -> Iterator[Stack]:
    """The services up in an instance of their own, which the commands find by its name."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("KAFKA_BOOTSTRAP_SERVERS", stack.kafka)
        environment.setenv("POSTGRES_URL", stack.admin_url)
        with Stack("platform", ephemeral=True) as running:
            running.start_services({"CPTS_PARTITIONS": str(PARTITIONS)})
            yield running
