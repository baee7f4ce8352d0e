"""A real browser, where one is installed; whatever it complains about fails the test."""

import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import ConsoleMessage, Page, async_playwright, expect
from playwright.sync_api import expect as expect_sync

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
QUIET = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")
# what is awaited comes in its own time on a busy machine; Playwright gives it five seconds
for expectations in (expect, expect_sync):
    expectations.set_options(timeout=30_000)


def _is_complaint(said: ConsoleMessage) -> bool:
    """Not what a page says itself: a refusal of ours, or a feature that this browser does not know."""
    known = ("Failed to load resource", "Unrecognized feature")
    return said.type in {"error", "warning"} and not any(words in said.text for words in known)


@asynccontextmanager
async def opened_page(
    *, locale: str = "en-US", complaints: list[str] | None = None, switches: tuple[str, ...] = ()
) -> AsyncGenerator[Page]:
    """An empty page. Scripts that fail and policies that are broken fail the test, or go to `complaints`.

    `switches` are Chromium's own.
    """
    heard: list[str] = [] if complaints is None else complaints
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=[*QUIET, *switches])
        page = await browser.new_page(locale=locale)
        page.on("pageerror", lambda error: heard.append(str(error)))
        page.on("console", lambda said: heard.append(said.text) if _is_complaint(said) else None)
        yield page
        await browser.close()
    if complaints is None:
        assert heard == [], "\n".join(heard)
