"""The tree stays tidy: goal, that the layout of `ARCHITECTURE.md` and its limits hold and bite.

Method: every rule on the repository, then on an invented tree with one bad file.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from contracts.topics import TOPICS
from tests.architecture import tidy

REPOSITORY = Path(__file__).parent.parent.parent
SERVICES = [topic.producer for topic in TOPICS]
DOC = '"""Says what it is for."""\n'

Rule = Callable[[Path], list[str]]
RULES: list[Rule] = [
    tidy.long_files,
    tidy.long_functions,
    tidy.banned_names,
    tidy.floats,
    tidy.undocumented_modules,
    tidy.clocks,
    tidy.stray_files,
    tidy.bad_migrations,
    tidy.dangling_decisions,
]


def function(lines: int) -> str:
    return f"{DOC}def f():\n" + "    f()\n" * (lines - 1)


TIDY = {
    "contracts/__init__.py": DOC,
    "contracts/parts.py": f"{DOC}HALF = 7 // 2\n",
    "services/__init__.py": DOC,
    "services/messaging/clock.py": f"{DOC}from datetime import datetime\nnow = datetime.now()\n",
    "services/messaging/schema/messaging-0001-offsets.sql": "-- Why: messaging keeps offsets.\n",
    "services/payments/README.md": "# Payments\n",
    **{
        f"services/payments/{name}.py": DOC
        for name in ("__init__", "__main__", "app", "events", "handlers", "http", "store")
    },
    "services/payments/domain/__init__.py": DOC,
    "services/payments/domain/pricing.py": function(tidy.FUNCTION_LINES_MAX),
    "services/payments/parameters.toml": "",
    "services/payments/rates/acces_aux_soins.toml": "",
    "services/payments/schema/0001_accounts.sql": "-- Why: payments keep accounts.\n",
    "docs/adr/0001-exactly-once.md": "# ADR 0001: exactly once",
    "deploy/local/stack.py": f"{DOC}SECONDS = 1.5\n",
    "tests/test_it.py": DOC + "x = 1\n" * (tidy.FILE_LINES_MAX - 1),
}
UNTIDY: list[tuple[Rule, str, str]] = [
    (tidy.long_files, "services/payments/store.py", DOC + "x = 1\n" * tidy.FILE_LINES_MAX),
    (tidy.long_files, "tests/test_it.py", DOC + "x = 1\n" * tidy.FILE_LINES_MAX),
    (tidy.long_functions, "services/payments/store.py", function(tidy.FUNCTION_LINES_MAX + 1)),
    (
        tidy.long_functions,
        "services/payments/http.py",
        function(tidy.FUNCTION_LINES_MAX + 1).replace("def", "async def"),
    ),
    *(
        (tidy.banned_names, f"services/messaging/{name}.py", DOC)
        for name in sorted(tidy.BANNED_MODULES)
    ),
    (tidy.banned_names, "contracts/common/places.py", DOC),
    (tidy.floats, "services/payments/store.py", f"{DOC}RATE = 0.5\n"),
    (tidy.floats, "services/indicators/store.py", f"{DOC}def f(rate: float): ...\n"),
    (tidy.floats, "contracts/parts.py", f"{DOC}x = float('1')\n"),
    (tidy.floats, "services/payments/domain/pricing.py", f"{DOC}def f(a, b):\n    return a / b\n"),
    (tidy.undocumented_modules, "services/payments/app.py", "x = 1\n"),
    (tidy.undocumented_modules, "services/payments/__init__.py", ""),
    (tidy.undocumented_modules, "tests/test_it.py", "# A comment is not enough.\n"),
    (tidy.clocks, "services/payments/handlers.py", f"{DOC}n = datetime.now(tz=UTC)\n"),
    (tidy.clocks, "services/payments/domain/pricing.py", f"{DOC}t = datetime.date.today()\n"),
    (tidy.stray_files, "services/payments/pricing.py", DOC),
    (tidy.stray_files, "services/payments/models/account.py", DOC),
    (tidy.stray_files, "services/payments/domain.py", DOC),
    (tidy.stray_files, "services/payments/domain/notes.md", "Notes"),
    (tidy.stray_files, "services/payments/rates/scale.csv", "1"),
    (tidy.stray_files, "services/console/page/framework.min.map", "1"),
    (tidy.bad_migrations, "services/payments/schema/0002_more.sql", "create table more ();\n"),
    (tidy.bad_migrations, "services/payments/schema/0002_more.sql", "--\n"),
    (tidy.bad_migrations, "services/payments/schema/more.sql", "-- Why: we want more.\n"),
    (tidy.dangling_decisions, "services/payments/parameters.toml", "# docs/adr/0002 says why\n"),
    (tidy.dangling_decisions, "docs/adr/0003-three.md", "# ADR 0003: as ADR 0002 says"),
    (tidy.dangling_decisions, "docs/adr/0001-another.md", "# ADR 0001: another"),
]


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_repository_keeps_the_rule(rule: Rule):
    assert rule(REPOSITORY) == [], rule.__doc__


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_a_tidy_tree_keeps_the_rule(rule: Rule, tmp_path: Path):
    assert rule(write(tmp_path, TIDY)) == []


@pytest.mark.parametrize(
    ("rule", "name", "text"), UNTIDY, ids=lambda each: getattr(each, "__name__", None)
)
def test_one_bad_file_breaks_the_rule(rule: Rule, name: str, text: str, tmp_path: Path):
    found = rule(write(tmp_path, {**TIDY, name: text}))
    assert len(found) == 1
    assert found[0].startswith(name) or name.startswith(found[0])


def test_every_rule_is_broken_once_on_purpose():
    assert {rule for rule, _, _ in UNTIDY} == set(RULES)


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_every_file_of_the_layout(name: str):
    service = REPOSITORY / "services" / name
    if not (service / "app.py").exists():
        pytest.skip(f"{name} is not wired yet: it has no app.py")
    assert tidy.missing_files(service) == []


@pytest.mark.parametrize("name", [each for each in TIDY if each.startswith("services/payments/")])
def test_a_missing_file_of_the_layout_is_seen(name: str, tmp_path: Path):
    service = write(tmp_path, TIDY) / "services" / "payments"
    assert tidy.missing_files(service) == []
    (tmp_path / name).unlink()
    asked = not name.endswith((".toml", "pricing.py", ".sql"))
    assert bool(tidy.missing_files(service)) == asked
