"""`docs/settings.md` names every setting that the code reads, and no other."""

import ast
import re

import pytest

from deploy.local.services import ROOT
from tests import containers

PAGE = (ROOT / "docs" / "settings.md").read_text("utf-8")
OURS = re.compile(
    r"(CPTS|EVIDENCE|HTTP|HUB|KAFKA|MEMBERSHIP|POSTGRES|DATABASE|OTEL|REFERRALS)_[A-Z_]+"
)
READ = {
    node.value
    for folder in ("contracts", "services", "deploy")
    for path in (ROOT / folder).rglob("*.py")
    for node in ast.walk(ast.parse(path.read_text("utf-8")))
    if isinstance(node, ast.Constant) and isinstance(node.value, str)
    if OURS.fullmatch(node.value)
}


def test_the_code_reads_settings() -> None:
    assert {"CPTS_CLOCK_FILE", "CPTS_INSTANCE", "DATABASE_URL"} < READ


@pytest.mark.parametrize("name", sorted(READ))
def test_a_setting_that_the_code_reads_is_on_the_page(name: str) -> None:
    assert re.search(rf"^\| `{name}` \| .+ \| .{{10,}} \|$", PAGE, re.MULTILINE)


def test_a_setting_on_the_page_is_read_by_the_code() -> None:
    assert set(re.findall(r"`(CPTS_[A-Z_]+)`", PAGE)) <= READ | {containers.VARIABLE}


def test_the_readme_leads_to_the_page() -> None:
    assert "(docs/settings.md)" in (ROOT / "README.md").read_text("utf-8")
