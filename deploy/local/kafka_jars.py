"""Kafka's jars: resolved from Maven Central once, locked with their SHA-256, checked at each start.

The lock (`kafka-jars.lock`) has one line per jar: SHA-256, size in bytes, coordinates. A jar is
used only when its content has the locked hash. `python -m deploy.local.kafka_jars` writes the lock
again, after a change of `ROOTS`.
"""

import argparse
import hashlib
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from deploy.local.folders import cache_folder

if TYPE_CHECKING:
    from jgo.maven import Dependency

KAFKA_VERSION = "4.3.1"
LOG4J_VERSION = "2.25.4"
ROOTS = (
    f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}",
    # Kafka logs through slf4j 1.7; its archive adds this binding, its pom does not. The "!" keeps
    # log4j's own bill of materials from choosing other versions of Kafka's jars (jgo 3.2).
    f"org.apache.logging.log4j:log4j-slf4j-impl:{LOG4J_VERSION}!",
)
REPOSITORY = "https://repo.maven.apache.org/maven2"
LOCK = Path(__file__).with_name("kafka-jars.lock")
DOWNLOADS_AT_ONCE = 6
TIMEOUT_SECONDS = 60
ATTEMPTS = 3


class JarRefused(Exception):  # noqa: N818  (a sentence about the world)
    """A jar's content is not what the lock says."""


class RepositoryOutOfReach(Exception):  # noqa: N818  (a sentence about the world)
    """A jar could not be downloaded."""


class LockedJar(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the lock: coordinates `group:artifact:version`, SHA-256 in hex, size."""

    coordinates: str
    sha256: str
    size_bytes: int

    @property
    def filename(self) -> str:
        """The name of the file in the cache; it carries the group, as artifacts may share names."""
        return self.coordinates.replace(":", "-") + ".jar"


def read_lock(path: Path = LOCK) -> list[LockedJar]:
    """The jars of the lock, in its order."""
    lines = (line.split() for line in path.read_text("utf-8").splitlines())
    return [
        LockedJar(sha256=fields[0], size_bytes=int(fields[1]), coordinates=fields[2])
        for fields in lines
        if fields and not fields[0].startswith("#")
    ]


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verify(path: Path, jar: LockedJar) -> None:
    """Check a file against the lock. Raises `JarRefused` when it differs."""
    found = sha256_of(path)
    if found != jar.sha256:
        raise JarRefused(
            f"{path} is not the {jar.coordinates} of {LOCK.name}: SHA-256 {found}, "
            f"expected {jar.sha256}. Delete the file to download it again; "
            "if it is refused once more, do not trust the source it came from."
        )


def _download(jar: LockedJar, repository: Path, on_bytes: Callable[[int], None]) -> Path:
    """The jar in a Maven repository of this machine. Raises `RepositoryOutOfReach`."""
    # Imported where something is downloaded: every other command starts a third sooner.
    import requests  # noqa: PLC0415
    from jgo.maven import MavenContext, PythonResolver  # noqa: PLC0415

    @contextmanager
    def progress(_name: str, _size: int) -> Iterator[Callable[[int], None]]:
        yield on_bytes

    context = MavenContext(
        resolver=PythonResolver(progress_callback=progress),
        repo_cache=repository,
        remote_repos={"central": REPOSITORY},
        timeout=TIMEOUT_SECONDS,
    )
    group, artifact, version = jar.coordinates.split(":")
    try:
        downloaded: Path = context.project(group, artifact).at_version(version).artifact().resolve()
    except (requests.RequestException, RuntimeError) as error:
        raise RepositoryOutOfReach(
            f"{jar.coordinates} could not be downloaded from {REPOSITORY}: {error}\n"
            "  to try: look at the network and the proxy (HTTPS_PROXY); behind an authority of "
            "one's own, REQUESTS_CA_BUNDLE names its certificates"
        ) from error
    return downloaded


def _fetch(jar: LockedJar, target: Path, on_bytes: Callable[[int], None]) -> None:
    """Download one jar beside its place, verify it, then move it there in one step."""
    for attempts_left in reversed(range(ATTEMPTS)):
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".download-") as folder:
            try:
                downloaded = _download(jar, Path(folder), on_bytes)
            except RepositoryOutOfReach:
                if attempts_left:
                    continue
                raise
            verify(downloaded, jar)
            downloaded.replace(target)
            return


def _no_progress(_done_bytes: int, _total_bytes: int) -> None:
    pass


def jars(
    folder: Path | None = None, on_progress: Callable[[int, int], None] = _no_progress
) -> list[Path]:
    """The verified jars of the lock, missing ones downloaded first.

    `on_progress` is called with bytes done and bytes in all while downloading. Raises `JarRefused`
    for a jar that differs from the lock, `RepositoryOutOfReach` when one cannot be downloaded.
    """
    folder = folder or cache_folder() / f"kafka-{KAFKA_VERSION}"
    folder.mkdir(parents=True, exist_ok=True)
    locked = read_lock()
    present = [jar for jar in locked if (folder / jar.filename).exists()]
    missing = [jar for jar in locked if jar not in present]
    with ThreadPoolExecutor(max_workers=DOWNLOADS_AT_ONCE) as pool:
        # All of them are hashed at each start: it costs less than a fifth of a second.
        list(pool.map(lambda jar: verify(folder / jar.filename, jar), present))
        if missing:
            total = sum(jar.size_bytes for jar in missing)
            done = 0

            def count(size: int) -> None:
                nonlocal done
                done += size
                on_progress(min(done, total), total)

            list(pool.map(lambda jar: _fetch(jar, folder / jar.filename, count), missing))
    return [folder / jar.filename for jar in locked]


def _resolve(repository: Path) -> "list[Dependency]":
    from jgo.maven import MavenContext  # noqa: PLC0415

    context = MavenContext(
        repo_cache=repository, remote_repos={"central": REPOSITORY}, timeout=TIMEOUT_SECONDS
    )
    inputs, transitive = context.resolver.resolve(
        [context.create_dependency(root) for root in ROOTS]
    )
    return [*inputs, *transitive]


def write_lock(path: Path = LOCK) -> int:
    """Resolve `ROOTS` with Maven Central, write the lock anew and answer its number of jars."""
    with tempfile.TemporaryDirectory() as folder:
        lines = []
        for dependency in _resolve(Path(folder)):
            coordinates = f"{dependency.groupId}:{dependency.artifactId}:{dependency.version}"
            file = dependency.artifact.resolve()
            lines.append(f"{sha256_of(file)} {file.stat().st_size:>9} {coordinates}\n")
    header = "# SHA-256, bytes, coordinates. Written by `python -m deploy.local.kafka_jars`.\n"
    path.write_text(header + "".join(sorted(lines, key=lambda line: line.split()[2])), "utf-8")
    return len(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line of `just kafka-lock`; its exit code."""
    argparse.ArgumentParser(
        prog="just kafka-lock",
        description=f"Resolve {', '.join(root.rstrip('!') for root in ROOTS)} and all they need "
        f"with Maven Central, and write {LOCK.name} again: SHA-256, size and coordinates of each "
        "jar. Look at its diff before it is committed: what it names is what runs.",
    ).parse_args(arguments)
    sys.stdout.write(f"{write_lock()} jars locked in {LOCK}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
