"""The page of the person on call: goal, that it shows at once who suffers, heals a dead letter, and
serves whoever has no mouse, a narrow screen or weak eyes.

Method: a real Chromium; membership and indicators on the real Kafka and PostgreSQL. How it looks
in every trouble at once is judged on a picture that the console's memory made of invented answers.
"""

import re
import socket
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import httpx
import msgspec
import pytest
from playwright.async_api import Page, Route, expect

from contracts.departements import departements_by_code
from deploy.local import databases
from deploy.local.stack import Stack
from services.console.app import console
from services.console.domain.freshness import Thresholds
from services.console.domain.reading import Behind, Letter, Replay, Seen, Trouble
from services.console.domain.watching import Watch
from services.console.outside.settings import ADDRESSES, Settings
from services.indicators.app import SERVICE as INDICATORS
from services.membership.app import SERVICE as MEMBERSHIP
from services.messaging.process import Running, Service, running
from services.messaging.settings import Settings as ServiceSettings
from tests.console.browsing import CHROMIUM, MAP_CONTRASTS, PALE_TEXTS, open_page, tab_to
from tests.stack_fixtures import fresh_name

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium is installed here")

YEAR = "2026-01-01"
DOCTOR = "810000000033"
PERSON = "astreinte-7"
HERE, THERE, ELSEWHERE = (f"path[data-code='{code}']" for code in ("93", "38", "29"))


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


class Pair:
    """Membership, which says, and indicators, which hears: at one address whenever it runs."""

    def __init__(self, stack: Stack) -> None:
        name = fresh_name(stack, "c")
        self.urls = databases.create_databases(stack.admin_url, f"_{name}")
        self.ports = {service.name: free_port() for service in (MEMBERSHIP, INDICATORS)}
        self._kafka, self._namespace = stack.kafka, f"{name}-"

    def address(self, service: str) -> str:
        return f"http://127.0.0.1:{self.ports[service]}"

    def run(self, service: Service) -> AbstractAsyncContextManager[Running]:
        settings = ServiceSettings(
            service=service.name,
            database_url=self.urls[service.name],
            kafka=self._kafka,
            namespace=self._namespace,
            http_port=self.ports[service.name],
            partitions=128,
        )
        return running(service, settings)

    async def order(self, path: str, **body: object) -> None:
        async with httpx.AsyncClient(base_url=self.address("membership"), timeout=20) as client:
            answer = await client.post(path, json=body, headers={"Acting-Role": "system"})
        assert answer.is_success, answer.text


@pytest.fixture(scope="module")
async def pair(stack: Stack) -> AsyncIterator[Pair]:
    found = Pair(stack)
    async with found.run(MEMBERSHIP):
        yield found


@pytest.fixture(scope="module")
async def page(pair: Pair) -> AsyncIterator[Page]:
    """The page of a console that asks often, and to which a second is late."""
    settings = Settings(
        addresses={name: (pair.address(name),) for name in pair.ports},
        every_seconds=0.2,
        thresholds=Thresholds(late=1),
        trace_page="http://127.0.0.1:9/traces/{trace}",
    )
    async with console(settings) as url, open_page(url) as opened:
        yield opened


async def test_the_map_turns_when_a_consumer_is_stopped_and_heals_when_it_is_back(
    pair: Pair, page: Page
) -> None:
    node = page.locator("[data-service=indicators] [data-part=state]")
    await expect(node).to_have_text("n'a jamais répondu")
    await expect(page.locator(HERE).first).to_have_attribute("data-level", "unknown")
    async with pair.run(INDICATORS) as run:
        await pair.order("/cpts", cpts_id="here", cpts_name="CPTS", seat_commune="93001")
        await run.caught_up()
        await expect(node).to_have_text("prêt")
        await expect(page.locator(HERE).first).to_have_attribute("data-level", "fresh")
    await pair.order("/cpts", cpts_id="there", cpts_name="CPTS", seat_commune="38185")
    await expect(page.locator(THERE).first).to_have_attribute("data-level", "late")
    await expect(page.locator(ELSEWHERE).first).to_have_attribute("data-level", "fresh")
    await expect(node).to_contain_text("ne répond pas depuis")
    await expect(page.locator("#verdict")).to_contain_text(
        re.compile(r"Isère \(38\).* attend.*indicators n'a pas lu environ")
    )
    incidents = page.locator("#incidents-list")
    await expect(incidents).to_contain_text("Isère (38) en retard")
    async with pair.run(INDICATORS):
        await expect(page.locator(THERE).first).to_have_attribute("data-level", "fresh")
        await expect(page.locator("#verdict")).to_have_attribute("data-level", "fresh")
        await expect(incidents.locator("li[data-open=true]")).to_have_count(0)


async def test_a_dead_letter_is_replayed_by_the_keyboard_alone_asked_twice_and_kept(
    pair: Pair, page: Page
) -> None:
    database = await asyncpg.connect(pair.urls["indicators"])
    async with pair.run(INDICATORS) as run:
        await pair.order("/cpts", cpts_id="mended", cpts_name="CPTS", seat_commune="95018")
        await pair.order(
            "/cpts/mended/members", member_id="m", rpps=DOCTOR, profession="10", from_on=YEAR
        )
        await run.caught_up()
        await database.execute("alter table participation rename to mislaid")
        way = {"participation_id": "w", "rpps": DOCTOR, "way": "own_office", "from_on": YEAR}
        await pair.order("/cpts/mended/participations", **way)
        letter = page.locator("#letters-list li")
        await expect(letter).to_contain_text('relation "participation" does not exist')
        await expect(page.locator("path[data-code='95']").first).to_have_attribute(
            "data-level", "fresh"
        )

        await page.reload()
        await tab_to(page, ".skip")
        await page.keyboard.press("Enter")
        await tab_to(page, "#letters-list summary")
        await page.keyboard.press("Enter")
        await expect(letter.locator("pre")).to_contain_text('"participation_id": "w"')
        await tab_to(page, "#letters-list button")
        await page.keyboard.press("Enter")
        await expect(page.locator("#replay-title")).to_have_text("Rejouer ce message ?")
        await tab_to(page, "#replay-go")
        await page.keyboard.press("Enter")
        await expect(page.locator("#replay-title")).to_have_text("Confirmer le rejeu")
        await expect(page.locator("#person")).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(page.locator("#replay"), "nobody replays unnamed").to_be_visible()
        await page.keyboard.type(PERSON)
        await page.keyboard.press("Enter")
        await expect(page.locator("#replay-error")).to_contain_text("échoue encore")

        await database.execute("alter table mislaid rename to participation")
        await page.keyboard.press("Enter")
        await expect(page.locator("#replay")).not_to_be_visible()
        await expect(letter).to_have_count(0)
        await expect(page.locator("#letters-none")).to_be_visible()
        await expect(page.locator("#said")).to_contain_text("Rejoué : indicators")
        assert await page.locator("#letters-title").evaluate("node => node.matches(':focus')")
        assert await database.fetchval("select count(*) from participation") == 1
        audit = page.locator("#replays-list li")
        await expect(audit).to_have_count(2)
        await expect(audit.first).to_contain_text("rejoué : indicators n° 1")
        await expect(audit.first).to_contain_text(PERSON)
        await expect(audit.last).to_contain_text("le traitement échoue encore")
    await database.close()


async def test_only_its_own_page_may_ask_for_a_replay_and_only_in_somebody_s_name(
    page: Page,
) -> None:
    url = "{0.scheme}://{0.netloc}".format(urlsplit(page.url))
    asked = {"person": PERSON, "key": "0" * 36}
    path = "/dead-letters/membership/1/replay"
    async with httpx.AsyncClient(base_url=url) as client:
        foreign = await client.post(path, json=asked, headers={"Sec-Fetch-Site": "cross-site"})
        assert (foreign.status_code, foreign.json()["reason"]) == (403, "another_origin")
        unnamed = await client.post(path, json={**asked, "person": "Jeanne Martin"})
        assert unnamed.status_code == 400
        assert (await client.post(path, json=asked)).status_code == 404, "as the service says"
        assert (await client.get("/dead-letters/payroll/1")).status_code == 404
        silent = await client.post(path.replace("membership", "indicators"), json=asked)
        assert (silent.status_code, silent.json()["reason"]) == (503, "service_silent")
        assert (await client.get("/runbook/..%2F..%2FREADME")).status_code == 404


def all_troubles() -> str:
    """What the console would tell of every trouble at once."""
    now = time.time()
    watch = Watch(tuple(ADDRESSES), now - 900)
    calm: dict[str, dict[str, Seen | None]] = {
        name: {"x": Seen(lag={}, outbox={})} for name in ADDRESSES
    }
    watch.take(calm, now - 20)
    lag = {
        ("referrals", code): Behind(3, seconds)
        for code, seconds in {"93": 700, "95": 90, "29": 8, "974": 8, "2B": 65}.items()
    }
    letter = Letter(
        service="indicators",
        id=7,
        departement="95",
        reason="ValidationError: Object missing required field `cpts_name`",
        recorded_at="2026-03-02T08:00:00+00:00",
        type="membership.CptsRegistered.v1",
        trace_id="a" * 32,
    )
    replay = Replay(
        service="indicators",
        letter_id=6,
        asked_by=PERSON,
        outcome="replayed",
        asked_at="2026-03-02T08:00:00+00:00",
    )
    bad = Seen(
        lag=lag,
        outbox={"31": Behind(2, 30)},
        invariants={"figures_equal_facts": False, "facts_equal_rule": True},
        letters=(letter,),
        replays=(replay,),
    )
    troubles = (Trouble("consumer", "KafkaError: the broker is in trouble", "just up"),)
    found = calm | {"indicators": {"x": bad}, "payments": {"x": None}}
    found["gateway"] = {"x": Seen(lag={}, outbox={}, troubles=troubles)}
    for at in (now - 10, now):
        watch.take(found, at)
    return msgspec.json.encode(watch.picture(now)).decode()


@pytest.fixture
async def troubled() -> AsyncIterator[Page]:
    """The page of a console of which every trouble is told."""
    nowhere = dict.fromkeys(ADDRESSES, ("http://127.0.0.1:9",))

    async def tell(route: Route) -> None:
        stream = {"Content-Type": "text/event-stream"}
        body = f"retry: 100000\nevent: picture\ndata: {all_troubles()}\n\n"
        await route.fulfill(headers=stream, body=body)

    settings = Settings(addresses=nowhere, trace_page="http://127.0.0.1:9/traces/{trace}")
    async with console(settings) as url, open_page("about:blank") as opened:
        await opened.route("**/live", tell)
        await opened.goto(url)
        await expect(opened.locator(HERE).first).to_have_attribute("data-level", "critical")
        yield opened


async def test_every_text_is_readable_in_both_themes_and_on_a_narrow_screen(
    troubled: Page,
) -> None:
    await troubled.select_option("#chosen", "95")
    for opened in await troubled.locator("details").all():
        await opened.evaluate("node => { node.open = true; }")
    for theme in ("light", "dark"):
        await troubled.emulate_media(color_scheme=theme, reduced_motion="reduce")
        for width in (1400, 390, 320):
            await troubled.set_viewport_size({"width": width, "height": 900})
            assert await troubled.evaluate(PALE_TEXTS) == [], (theme, width)
            wide = await troubled.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, f"{theme}: {wide} pixels on {width}"
        contrasts = await troubled.evaluate(MAP_CONTRASTS)
        for level, (card, fresh) in contrasts.items():
            assert card >= 3, (theme, level)
            assert fresh >= 3 or level == "unknown", (theme, level, fresh)
    await troubled.locator("#letters-list button").click()
    for step in ("Continuer", "Rejouer maintenant"):
        await expect(troubled.locator("#replay-go")).to_have_text(step)
        assert await troubled.evaluate(PALE_TEXTS) == []
        await troubled.locator("#person").evaluate("node => { node.value = 'astreinte-7'; }")
        if step == "Continuer":
            await troubled.locator("#replay-go").click()


async def test_a_page_that_is_told_nothing_says_so(troubled: Page) -> None:
    assert await troubled.locator("#links a").first.get_attribute("href") == "http://127.0.0.1:9/"
    await expect(troubled.locator("#pulse")).to_have_attribute("data-state", "live")
    await troubled.clock.install()
    await troubled.reload()
    await expect(troubled.locator("#pulse")).to_have_attribute("data-state", "live")
    await troubled.clock.run_for(60_000)
    await expect(troubled.locator("#pulse")).to_contain_text("Console coupée")


async def test_every_departement_is_on_the_map_or_has_a_tile_and_can_be_chosen(
    troubled: Page,
) -> None:
    drawn = await troubled.locator("#map [data-code]").evaluate_all(
        "nodes => nodes.map((node) => node.dataset.code)"
    )
    assert set(drawn) == set(departements_by_code())
    options = await troubled.locator("#chosen option").evaluate_all(
        "nodes => nodes.map((node) => node.value)"
    )
    assert options == ["", *departements_by_code()]
    await troubled.locator(".tile[data-code='974']").click()
    await expect(troubled.locator("#detail")).to_contain_text("974 La Réunion en retard")
    await expect(troubled.locator(".credit")).to_contain_text("CC BY 4.0")


SHOWN = Path(__file__).parent.parent.parent / "docs" / "console"


@pytest.mark.parametrize("shot", sorted(SHOWN.glob("*.png")), ids=lambda shot: shot.name)
def test_its_screenshots_are_small(shot: Path) -> None:
    assert shot.stat().st_size < 300_000
