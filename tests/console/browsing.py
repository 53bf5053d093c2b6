"""The console's page in a real Chromium, as a person meets it."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Page, async_playwright, expect

CHROMIUM = shutil.which("chromium")
WITHIN_MS = 20_000

# Every text that is shown, with its contrast against what lies behind it, and how much it needs.
PALE_TEXTS = """() => {
  const channels = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b]
    .map((one) => one / 255)
    .map((one) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4))
    .reduce((sum, one, place) => sum + one * [0.2126, 0.7152, 0.0722][place], 0);
  const ground = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const colour = channels(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
      if (colour[3] !== 0) throw new Error(`a ground that is seen through: ${at.outerHTML}`);
    }
    return [255, 255, 255];
  };
  const ratio = (a, b) => {
    const [low, high] = [light(a), light(b)].sort((x, y) => x - y);
    return (high + 0.05) / (low + 0.05);
  };
  window.cptsRatio = ratio;
  window.cptsChannels = channels;
  const found = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let seen = 0;
  while (texts.nextNode()) {
    const node = texts.currentNode.parentElement;
    const isText = texts.currentNode.textContent.trim() !== "" && !(node instanceof SVGElement);
    if (!isText || node.matches("option, script") || !node.checkVisibility()) continue;
    seen += 1;
    const style = getComputedStyle(node);
    const size = parseFloat(style.fontSize);
    const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    const contrast = ratio(channels(style.color), ground(node));
    if (contrast < (isLarge ? 3 : 4.5)) found.push([texts.currentNode.textContent, contrast]);
  }
  if (seen < 40) throw new Error(`only ${seen} texts were looked at`);
  return found;
}"""

# The fills of the map: how each level stands out from the card, and from what is fresh.
MAP_CONTRASTS = """() => {
  const fill = (level) => {
    const swatch = document.querySelector(`.swatch[data-level="${level}"]`);
    return cptsChannels(getComputedStyle(swatch).backgroundColor);
  };
  const card = cptsChannels(getComputedStyle(document.getElementById("place")).backgroundColor);
  return Object.fromEntries(["late", "grave", "critical", "unknown"].map((level) => [
    level, [cptsRatio(fill(level), card), cptsRatio(fill(level), fill("fresh"))],
  ]));
}"""


@asynccontextmanager
async def open_page(url: str) -> AsyncIterator[Page]:
    """The page at `url`; an error of its own fails the test."""
    errors: list[str] = []
    expect.set_options(timeout=WITHIN_MS)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM)
        page = await browser.new_page(viewport={"width": 1400, "height": 900})
        page.set_default_timeout(WITHIN_MS)
        page.on("pageerror", lambda error: errors.append(str(error)))
        await page.goto(url)
        yield page
        await browser.close()
    assert errors == []


async def tab_to(page: Page, selector: str) -> None:
    """Press Tab until this has the focus, which must be seen on everything on the way."""
    for _ in range(60):
        await page.keyboard.press("Tab")
        focused = page.locator(":focus")
        if not await focused.count():
            continue
        outline = await focused.evaluate("node => getComputedStyle(node).outlineStyle")
        assert outline != "none", await focused.evaluate("node => node.outerHTML")
        if await focused.evaluate("(node, selector) => node.matches(selector)", selector):
            return
    raise AssertionError(f"no way to {selector} by the keyboard")
