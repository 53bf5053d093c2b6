"""Nothing runs but what the lock names, byte for byte."""

import functools
import hashlib
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from deploy.local import jars
from deploy.local.jars import KAFKA, ZIPKIN, JarRefused, LockedJar, RepositoryOutOfReach

CONTENT = b"what the author published"
JAR = LockedJar(
    coordinates="org.example:thing:1.0",
    sha256=hashlib.sha256(CONTENT).hexdigest(),
    size_bytes=len(CONTENT),
)


class _QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The jar as a Maven repository on the loopback serves it, and a lock that names it."""
    jar = tmp_path / "repository/org/example/thing/1.0/thing-1.0.jar"
    jar.parent.mkdir(parents=True)
    jar.write_bytes(CONTENT)
    handler = functools.partial(_QuietHandler, directory=str(tmp_path / "repository"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(jars, "REPOSITORY", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setattr(jars, "read_lock", lambda _path: [JAR])
    yield jar
    server.shutdown()
    server.server_close()


@pytest.mark.usefixtures("published")
def test_a_jar_is_downloaded_once(tmp_path: Path) -> None:
    progress: list[tuple[int, int]] = []
    folder = tmp_path / "jars"
    (jar,) = jars.jars(KAFKA, folder, lambda done, total: progress.append((done, total)))
    assert jar.read_bytes() == CONTENT
    assert progress[-1] == (len(CONTENT), len(CONTENT))
    assert [path.name for path in folder.iterdir()] == ["org.example-thing-1.0.jar"]
    progress.clear()
    jars.jars(KAFKA, folder, lambda done, total: progress.append((done, total)))
    assert progress == []


def test_a_download_that_differs_is_refused_and_not_kept(tmp_path: Path, published: Path) -> None:
    published.write_bytes(CONTENT + b"!")
    with pytest.raises(JarRefused, match=r"org\.example:thing:1\.0"):
        jars.jars(KAFKA, tmp_path / "jars")
    assert list((tmp_path / "jars").iterdir()) == []


def test_a_repository_out_of_reach_is_named(tmp_path: Path, published: Path) -> None:
    published.unlink()
    with pytest.raises(RepositoryOutOfReach, match="could not be downloaded"):
        jars.jars(KAFKA, tmp_path / "jars")
    assert list((tmp_path / "jars").iterdir()) == []


@pytest.mark.usefixtures("published")
def test_a_jar_changed_on_the_disk_is_refused_at_the_next_start(tmp_path: Path) -> None:
    (jar,) = jars.jars(KAFKA, tmp_path / "jars")
    jar.write_bytes(CONTENT[::-1])
    with pytest.raises(JarRefused, match="Delete the file"):
        jars.jars(KAFKA, tmp_path / "jars")


def test_a_jar_of_a_classifier_is_the_one_that_is_locked() -> None:
    (jar,) = jars.read_lock(ZIPKIN.lock)
    assert (jar.coordinates,) == ZIPKIN.roots
    assert jar.filename.endswith("-exec.jar")


def test_the_lock_names_one_version_of_kafka() -> None:
    locked = jars.read_lock(KAFKA.lock)
    versions = {
        jar.coordinates.split(":")[2]
        for jar in locked
        if jar.coordinates.startswith("org.apache.kafka:")
    }
    assert versions == {jars.KAFKA_VERSION}
    names = [jar.coordinates.rpartition(":")[0] for jar in locked]
    assert len(names) == len(set(names))
    for root in KAFKA.roots:
        assert root.rstrip("!") in {jar.coordinates for jar in locked}
