"""The canvas of each service: goal, that a README says exactly what its service does.

Method: each README against the wiring, the topic, the routes and the migrations; then an invented
service whose README is wrong in each way once.
"""

import importlib
from pathlib import Path

import msgspec
import pytest
from litestar import get, post
from litestar.params import FromPath

from contracts import topics
from contracts.events.indicators import FigureChanged
from contracts.events.membership import AciSigned, CptsRegistered
from services.indicators.domain.figures import INDICATOR_LABELS
from services.messaging.declared import Service
from services.messaging.hearing import Hears
from tests.architecture import canvas

REPOSITORY = Path(__file__).parent.parent.parent
SERVICES = [topic.producer for topic in topics.TOPICS]


def wired(name: str) -> Service:
    if not (REPOSITORY / "services" / name / "app.py").exists():
        pytest.skip(f"{name} is not wired yet: it has no app.py")
    service = importlib.import_module(f"services.{name}.app").SERVICE
    assert isinstance(service, Service)
    return service


@pytest.mark.parametrize("name", SERVICES)
def test_the_canvas_says_what_the_service_does(name: str):
    service = wired(name)
    readme = (REPOSITORY / "services" / name / "README.md").read_text("utf-8")
    assert canvas.differences(readme, service) == []


@pytest.mark.parametrize("name", SERVICES)
def test_the_wiring_is_what_the_map_of_the_log_says(name: str):
    service = wired(name)
    assert service.name == name
    assert service.topic is topics.topic_of(name)
    assert service.schema == REPOSITORY / "services" / name / "schema"
    heard = [hears.topic for hears in service.hears]
    assert {each.name for each in heard} == {
        topic.name for topic in topics.TOPICS if name in topic.consumers
    }
    for hears in service.hears:
        assert set(hears.understands) <= set(hears.topic.event_classes())
        assert hears.is_read_in_full == (hears.topic is topics.MEMBERSHIP)


README = """# Invented

What it is for.

## Hears

- `membership.CptsRegistered.v1`: the key
- `membership.AciSigned.v1`: the years

## Says

- `indicators.FigureChanged.v1`: a figure

## Serves

- `GET /figures/{figure_id}`: one figure
- `POST /figures`: a figure

## Keeps

- `figure`: the figures
- `history`: its own events

## What can go wrong

- Everything.
"""
MIGRATION = """-- Why: an invented service. It does not create table ghost;
create table figure (figure_id text primary key);
create table if not exists history (subject text);
CREATE TABLE passing (subject text);
create index on figure (figure_id); /* create table comment (); */
drop table passing;
"""


@pytest.fixture
def service(tmp_path: Path) -> Service:
    @get("/figures/{figure_id:str}")
    async def figure(figure_id: FromPath[str]) -> str:
        return figure_id

    @post("/figures")
    async def add_figure() -> None:
        return None

    async def nothing(*_: object) -> None:
        return None

    (tmp_path / "0001_figures.sql").write_text(MIGRATION, encoding="utf-8")
    return Service(
        name="invented",
        topic=msgspec.structs.replace(topics.INDICATORS, event=FigureChanged),
        schema=tmp_path,
        apply=nothing,
        hears=(
            Hears(
                topic=topics.MEMBERSHIP, understands=(CptsRegistered, AciSigned), handler=nothing
            ),
        ),
        routes=(figure, add_figure),
    )


def test_a_true_canvas_has_no_difference(service: Service):
    assert canvas.differences(README, service) == []


@pytest.mark.parametrize(
    ("written", "instead", "said"),
    [
        (
            "- `membership.AciSigned.v1`: the years\n",
            "",
            "Hears does not list membership.AciSigned",
        ),
        (
            "- `membership.AciSigned.v1`",
            "- `membership.AciSigned.v1`: a\n- `membership.FinessAssigned.v1`",
            "Hears lists membership.FinessAssigned.v1, which is not so",
        ),
        (
            "- `indicators.FigureChanged.v1`: a figure\n",
            "",
            "Says does not list indicators.FigureChanged.v1",
        ),
        (
            "- `indicators.FigureChanged.v1`",
            "- `indicators.FigureChanged.v1`: a\n- `indicators.Gone.v1`",
            "Says lists indicators.Gone.v1, which is not so",
        ),
        ("- `POST /figures`: a figure\n", "", "Serves does not list POST /figures"),
        (
            "- `POST /figures`",
            "- `POST /figures`: a\n- `PUT /figures`",
            "Serves lists PUT /figures, which is not so",
        ),
        ("- `figure`: the figures\n", "", "Keeps does not list figure"),
        (
            "- `figure`:",
            "- `passing`: p\n- `figure`:",
            "Keeps lists passing, which is not so",
        ),
        ("- `figure`:", "- `figure`: f\n- `figure`:", "Keeps lists figure twice"),
        ("- Everything.\n", "", "nothing can go wrong, it says"),
        ("## What can go wrong", "## Risks", "there is no section 'What can go wrong'"),
    ],
)
def test_a_canvas_wrong_in_one_way_is_refused(
    service: Service, written: str, instead: str, said: str
):
    found = canvas.differences(README.replace(written, instead), service)
    assert len(found) == 1
    assert found[0].startswith(said)


def test_the_canvas_of_indicators_has_a_row_for_each_that_is_computed_from_events() -> None:
    canvas_of_indicators = (REPOSITORY / "services/indicators/README.md").read_text("utf-8")
    without = [code for code in INDICATOR_LABELS if f"\n| `{code}` |" not in canvas_of_indicators]
    assert not without
