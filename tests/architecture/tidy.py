"""What a tidy tree looks like: each rule takes a root folder and answers what breaks it.

The limits are there to be reached by splitting along a question, not along a line count.
"""

import ast
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Final

ROOTS: Final = ("contracts", "services", "deploy", "tests")
FILE_LINES_MAX: Final = 400
FUNCTION_LINES_MAX: Final = 70
BANNED_MODULES: Final = frozenset(
    (
        *("utils", "util", "common", "helpers", "helper", "base", "manager"),
        *("service", "core", "misc", "types"),
    )
)
EXACT_AMOUNTS: Final = ("contracts", "services/payments", "services/indicators")
WITHOUT_CLOCK: Final = ("domain", "store", "handlers", "events", "http")
NOW: Final = frozenset(("now", "today", "utcnow"))

FILES_OF_A_SERVICE: Final = ("README.md", "__init__.py", "__main__.py", "app.py", "events.py")
PARTS_OF_A_SERVICE: Final = ("domain", "store", "handlers", "http")
BRIDGES_OF_A_SERVICE: Final = ("hub", "outside")
"""What speaks to systems of others by itself, or another protocol than HTTP; a service may."""
DATA_OF_A_SERVICE: Final = (
    *("parameters.toml", "activities.toml", "labels.toml", "rates", "statement.typ", "tables"),
)
PAGE_OF_A_SERVICE: Final = "page"
"""What a browser is sent: HTML, CSS, ES modules and their data, and nothing else."""
PAGE_FILES: Final = (".html", ".css", ".js", ".json")
TEXTS: Final = (".md", ".py", ".sql", ".toml")
MIGRATION: Final = re.compile(r"([a-z]+-)?\d{4}[-_][a-z0-9]+([-_][a-z0-9]+)*\.sql")


def python_files(root: Path, *folders: str) -> Iterator[Path]:
    """The Python files below some folders of a root, or below all folders with code."""
    for folder in folders or ROOTS:
        yield from sorted((root / folder).rglob("*.py"))


def long_files(root: Path) -> list[str]:
    """Files that nobody can hold in their head."""
    return [
        f"{path.relative_to(root)} has {count} lines"
        for path in python_files(root)
        if (count := len(path.read_text("utf-8").splitlines())) > FILE_LINES_MAX
    ]


def long_functions(root: Path) -> list[str]:
    """Functions that do not fit on a screen, docstring included."""
    return [
        f"{path.relative_to(root)}: {node.name} has {count} lines"
        for path in python_files(root)
        for node in ast.walk(_tree(path))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        if (count := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES_MAX
    ]


def banned_names(root: Path) -> list[str]:
    """Modules and folders whose name promises nothing, so that everything ends up in them."""
    return [
        str(path.relative_to(root))
        for folder in ROOTS
        for path in sorted((root / folder).rglob("*"))
        if (path.is_dir() or path.suffix == ".py") and path.stem in BANNED_MODULES
    ]


def floats(root: Path) -> list[str]:
    """Floats where amounts and figures are computed: cents and counts are integers."""
    found = []
    for path in python_files(root, *EXACT_AMOUNTS):
        is_domain = "domain" in path.relative_to(root).with_suffix("").parts
        for node in ast.walk(_tree(path)):
            if (
                (isinstance(node, ast.Name) and node.id == "float")
                or (isinstance(node, ast.Constant) and isinstance(node.value, float))
                or (is_domain and isinstance(node, ast.Div))
            ):
                line = getattr(node, "lineno", 0)
                found.append(f"{path.relative_to(root)}:{line} computes with floats")
    return found


def undocumented_modules(root: Path) -> list[str]:
    """Modules that do not open with a sentence of purpose."""
    return [
        str(path.relative_to(root))
        for path in python_files(root)
        if not (ast.get_docstring(_tree(path)) or "").strip()
    ]


def clocks(root: Path) -> list[str]:
    """Readings of the time outside the one clock: what is decided must be decidable again."""
    return [
        f"{path.relative_to(root)}:{node.lineno} reads the time"
        for service in _services(root)
        for part in WITHOUT_CLOCK
        for path in [*service.glob(f"{part}.py"), *(service / part).rglob("*.py")]
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Call)
        if isinstance(node.func, ast.Attribute) and node.func.attr in NOW
        if isinstance(node.func.value, (ast.Name, ast.Attribute))
        if ast.unparse(node.func.value).rpartition(".")[2] in {"datetime", "date"}
    ]


def stray_files(root: Path) -> list[str]:
    """Files and folders of a service that the layout does not know, or knows twice."""
    known = {*FILES_OF_A_SERVICE, *DATA_OF_A_SERVICE, *PARTS_OF_A_SERVICE, "schema"}
    known |= {*BRIDGES_OF_A_SERVICE, PAGE_OF_A_SERVICE}
    known |= {f"{part}.py" for part in PARTS_OF_A_SERVICE}
    found = []
    for service in _services(root):
        found += [path for path in _entries(service) if path.name not in known]
        for part in PARTS_OF_A_SERVICE:
            if (service / f"{part}.py").exists() and (service / part).exists():
                found.append(service / part)
            found += [path for path in _entries(service / part) if path.suffix != ".py"]
        page = _entries(service / PAGE_OF_A_SERVICE)
        found += [path for path in page if path.suffix not in PAGE_FILES]
        for data in ("rates", "tables"):
            found += [path for path in _entries(service / data) if path.suffix != ".toml"]
    return [str(path.relative_to(root)) for path in found]


def missing_files(service: Path) -> list[str]:
    """What the layout asks of a service and its folder does not have."""
    wanted = [*FILES_OF_A_SERVICE, "schema"]
    found = [name for name in wanted if not (service / name).exists()]
    return found + [
        part
        for part in PARTS_OF_A_SERVICE
        if not (service / f"{part}.py").exists() and not (service / part / "__init__.py").exists()
    ]


def bad_migrations(root: Path) -> list[str]:
    """Migrations without a number, or whose first line does not say why they exist."""
    return [
        str(path.relative_to(root))
        for folder in sorted((root / "services").glob("*/schema"))
        for path in _entries(folder)
        if MIGRATION.fullmatch(path.name) is None
        or not re.match(r"-- \S.{9,}", path.read_text("utf-8"))
    ]


def dangling_decisions(root: Path) -> list[str]:
    """Texts that cite a decision record (ADR) that is not there, and records of one number."""
    records = sorted((root / "docs" / "adr").glob("[0-9]*.md"))
    there = {path.name[:4] for path in records}
    texts = [path for folder in (*ROOTS, "docs") for path in sorted((root / folder).rglob("*"))]
    twice = [
        f"{one.relative_to(root)} has the number of another decision"
        for one, following in pairwise(records)
        if one.name[:4] == following.name[:4]
    ]
    return twice + [
        f"{path.relative_to(root)} cites the decision {number}"
        for path in (*sorted(root.glob("*.md")), *texts)
        if path.suffix in TEXTS
        for number in re.findall(r"(?:ADR |adr/)(\d{4})", path.read_text("utf-8"))
        if number not in there
    ]


def _services(root: Path) -> list[Path]:
    """The services: messaging is what they stand on, with modules of its own."""
    return [
        path
        for path in _entries(root / "services")
        if path.is_dir() and path.name != "messaging" and _entries(path)
    ]


def _entries(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.name != "__pycache__")


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), filename=str(path))
