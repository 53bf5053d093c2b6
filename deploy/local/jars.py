"""The jars that run here: resolved from Maven Central once, locked, checked at each start.

A lock (`kafka.lock`, `zipkin.lock`) has one line per jar: SHA-256, size in bytes, coordinates. A
jar is used only when its content has the locked hash. `python -m deploy.local.jars` writes the
locks again, after a change of what is wanted.
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
    from jgo.maven import MavenContext

KAFKA_VERSION = "4.3.1"
LOG4J_VERSION = "2.25.4"
ZIPKIN_VERSION = "3.5.1"
REPOSITORY = "https://repo.maven.apache.org/maven2"
DOWNLOADS_AT_ONCE = 6
TIMEOUT_SECONDS = 60
ATTEMPTS = 3


class JarRefused(Exception):  # noqa: N818  (a sentence about the world)
    """A jar's content is not what the lock says."""


class RepositoryOutOfReach(Exception):  # noqa: N818  (a sentence about the world)
    """A jar could not be downloaded."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is to run: its name, the folder of its jars in the cache, the coordinates that it begins
    from, and whether what these need comes with them.
    """

    name: str
    folder: str
    roots: tuple[str, ...]
    with_needs: bool = True

    @property
    def lock(self) -> Path:
        """The file that names its jars."""
        return Path(__file__).with_name(f"{self.name}.lock")


KAFKA = Wanted(
    name="kafka",
    folder=f"kafka-{KAFKA_VERSION}",
    roots=(
        f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}",
        # Kafka logs through slf4j 1.7; its archive adds this binding, its pom does not. The "!"
        # keeps log4j's own bill of materials from choosing other versions of its jars (jgo 3.2).
        f"org.apache.logging.log4j:log4j-slf4j-impl:{LOG4J_VERSION}!",
    ),
)
# One jar that holds all that it needs.
ZIPKIN = Wanted(
    name="zipkin",
    folder=f"zipkin-{ZIPKIN_VERSION}",
    roots=(f"io.zipkin:zipkin-server:{ZIPKIN_VERSION}:exec",),
    with_needs=False,
)


class LockedJar(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a lock: coordinates `group:artifact:version[:classifier]`, SHA-256 in hex, size."""

    coordinates: str
    sha256: str
    size_bytes: int

    @property
    def filename(self) -> str:
        """The name of the file in the cache; it carries the group, as artifacts may share names."""
        return self.coordinates.replace(":", "-") + ".jar"


def read_lock(path: Path) -> list[LockedJar]:
    """The jars of a lock, in its order."""
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
    """Check a file against its lock. Raises `JarRefused` when it differs."""
    found = sha256_of(path)
    if found != jar.sha256:
        raise JarRefused(
            f"{path} is not the {jar.coordinates} that is locked: SHA-256 {found}, "
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
    try:
        return _resolved(context, jar.coordinates)
    except (requests.RequestException, RuntimeError) as error:
        raise RepositoryOutOfReach(
            f"{jar.coordinates} could not be downloaded from {REPOSITORY}: {error}\n"
            "  to try: look at the network and the proxy (HTTPS_PROXY); behind an authority of "
            "one's own, REQUESTS_CA_BUNDLE names its certificates"
        ) from error


def _resolved(context: "MavenContext", coordinates: str) -> Path:
    group, artifact, version, *classifier = coordinates.split(":")
    component = context.project(group, artifact).at_version(version)
    found: Path = component.artifact(*classifier).resolve()
    return found


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


def report_tenths(
    what: str, report: Callable[[str], None], go_on: Callable[[], None]
) -> Callable[[int, int], None]:
    """An `on_progress` that reports each tenth; `go_on` may raise what gives the download up."""
    reported = -1

    def progress(done_bytes: int, total_bytes: int) -> None:
        nonlocal reported
        go_on()
        tenths = 10 * done_bytes // total_bytes
        if tenths > reported:
            reported = tenths
            report(f"{what}: {done_bytes / 1e6:.0f} of {total_bytes / 1e6:.0f} MB")

    return progress


def jars(
    wanted: Wanted,
    folder: Path | None = None,
    on_progress: Callable[[int, int], None] = _no_progress,
) -> list[Path]:
    """The verified jars of a lock, missing ones downloaded first.

    `on_progress` is called with bytes done and bytes in all while downloading. Raises `JarRefused`
    for a jar that differs from the lock, `RepositoryOutOfReach` when one cannot be downloaded.
    """
    folder = folder or cache_folder() / wanted.folder
    folder.mkdir(parents=True, exist_ok=True)
    locked = read_lock(wanted.lock)
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


def _resolve(wanted: Wanted, repository: Path) -> Iterator[tuple[str, Path]]:
    """The coordinates and files of all that is to run."""
    from jgo.maven import MavenContext  # noqa: PLC0415

    context = MavenContext(
        repo_cache=repository, remote_repos={"central": REPOSITORY}, timeout=TIMEOUT_SECONDS
    )
    if not wanted.with_needs:
        for root in wanted.roots:
            yield root, _resolved(context, root)
        return
    inputs, transitive = context.resolver.resolve(
        [context.create_dependency(root) for root in wanted.roots]
    )
    for one in (*inputs, *transitive):
        yield f"{one.groupId}:{one.artifactId}:{one.version}", one.artifact.resolve()


def write_lock(wanted: Wanted) -> int:
    """Resolve what is wanted with Maven Central, write its lock anew, answer its number of jars."""
    with tempfile.TemporaryDirectory() as folder:
        lines = [
            f"{sha256_of(file)} {file.stat().st_size:>9} {coordinates}\n"
            for coordinates, file in _resolve(wanted, Path(folder))
        ]
    header = "# SHA-256, bytes, coordinates. Written by `python -m deploy.local.jars`.\n"
    ordered = sorted(lines, key=lambda line: line.split()[2])
    wanted.lock.write_text(header + "".join(ordered), "utf-8")
    return len(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line of `just lock-jars`; its exit code."""
    roots = ", ".join(root.rstrip("!") for one in (KAFKA, ZIPKIN) for root in one.roots)
    argparse.ArgumentParser(
        prog="just lock-jars",
        description=f"Resolve {roots} with Maven Central, and write the locks again: SHA-256, size "
        "and coordinates of each jar. Look at the diff before it is committed: what it names is "
        "what runs.",
    ).parse_args(arguments)
    for wanted in (KAFKA, ZIPKIN):
        sys.stdout.write(f"{write_lock(wanted)} jars locked in {wanted.lock}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
