"""The page in a real browser: talk, run commands, click, fill in a modal, see a bot delete."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import discord
import pytest
from playwright.async_api import ConsoleMessage, Page, async_playwright, expect
from support.chromium import CHROMIUM, QUIET, needs_chromium

from .conftest import BotStarter, House
from .test_interactions import CommandBot

pytestmark = [pytest.mark.browser, needs_chromium]


class ModeratingBot(CommandBot):
    """Deletes what names spam."""

    async def on_message(self, message: discord.Message) -> None:
        if not message.author.bot and "spam" in message.content:
            await message.delete()


@pytest.fixture
async def page(house: House) -> AsyncIterator[Page]:
    """The page on this test's server, as its ordinary member."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        page = await browser.new_page(locale="en-US")
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if is_complaint(said) else None)
        await page.goto(house.server.url)
        await page.locator("#server").select_option(house.guild_id)
        await expect(page.locator("#persona")).to_have_value(house.nova)
        yield page
        await browser.close()
    assert complaints == []


def is_complaint(said: ConsoleMessage) -> bool:
    """A refusal of the control API is told by the browser as well; the page shows it."""
    return said.type == "error" and "Failed to load resource" not in said.text


async def command(page: Page, name: str) -> None:
    """Type until the picker offers it, then take it."""
    await page.locator("#composer").fill(f"/{name}")
    await expect(page.get_by_role("option", name=f"/{name}")).to_be_visible()
    await page.locator("#composer").press("Enter")


async def write(page: Page, text: str) -> None:
    await page.locator("#composer").fill(text)
    await page.locator("#composer").press("Enter")


async def test_a_message_a_bot_deletes_is_struck_through_with_its_name(
    house: House, connect: BotStarter, page: Page
) -> None:
    await connect(house.token, bot=ModeratingBot())
    await write(page, "buy spam <script>alert(1)</script>")
    struck = page.locator(".message.deleted")
    await expect(struck).to_contain_text("deleted by Astero")
    await expect(struck.locator(".content")).to_have_text("buy spam <script>alert(1)</script>")
    await expect(struck).to_have_count(0)


async def test_a_member_is_not_offered_what_a_moderator_is(
    house: House, connect: BotStarter, page: Page
) -> None:
    await connect(house.token, bot=CommandBot())
    await page.locator("#composer").fill("/automod status")
    option = page.get_by_role("option", name="/automod status")
    await expect(option).to_have_attribute("aria-disabled", "true")
    await page.locator("#persona").select_option(house.owner)
    await page.locator("#composer").fill("/automod status")
    await expect(option).to_have_attribute("aria-disabled", "false")
    await page.locator("#composer").press("Enter")
    answer = page.locator(".message.ephemeral")
    await expect(answer).to_contain_text("all off")
    await expect(answer).to_contain_text("Only you can see this.")
    await page.locator("#persona").select_option(house.nova)
    await expect(answer).to_have_count(0)


async def test_options_buttons_selects_and_modals_work_with_the_keyboard_and_the_mouse(
    house: House, connect: BotStarter, page: Page
) -> None:
    await connect(house.token, bot=CommandBot())
    await page.locator("#persona").select_option(house.owner)
    await command(page, "automod word")
    form = page.locator("#command")
    await form.get_by_label("word").fill("spam")
    await form.get_by_label("user").select_option(house.nova)
    await form.get_by_role("button", name="Run").click()
    await expect(page.locator(".message").last).to_contain_text("spam nova 1")
    await command(page, "panel")
    await page.get_by_role("button", name="Count").click()
    await expect(page.get_by_role("button", name="Count!")).to_be_visible()
    await page.locator(".components select").first.select_option("caps")
    await expect(page.locator(".message.ephemeral")).to_contain_text("caps")
    await page.get_by_role("button", name="Reason").click()
    modal = page.get_by_role("dialog", name="Case")
    await modal.get_by_label("Reason").fill("seen on the page")
    await modal.get_by_role("button", name="Submit").click()
    await expect(page.locator(".message").last).to_contain_text("noted: seen on the page")


async def test_timeouts_and_bans_show_among_the_people(house: House, connect: BotStarter, page: Page) -> None:
    async with house.server.rest(house.token) as rest:
        member = f"/guilds/{house.guild_id}/members/{house.nova}"
        until = await rest.patch(member, json={"communication_disabled_until": soon()})
        assert until.status_code == 200
        await expect(page.locator("#members")).to_contain_text("timed out until")
        await write(page, "let me in")
        await expect(page.locator(".system.bad")).to_contain_text("timed out")
        await rest.put(f"/guilds/{house.guild_id}/bans/{house.nova}", json={})
        await expect(page.locator("#gone")).to_contain_text("banned")
    await page.get_by_role("button", name="Lift the ban").click()
    await expect(page.get_by_role("button", name="Let back in")).to_be_visible()


def soon() -> str:
    return (discord.utils.utcnow() + timedelta(minutes=5)).isoformat()


async def test_the_faults_and_the_bot_buttons_reach_the_bot(
    house: House, connect: BotStarter, page: Page
) -> None:
    bot = await connect(house.token)
    await page.locator("#faults summary").click()
    await page.get_by_role("button", name="Cut the connections").click()
    await bot.heard("resumed")
    await page.get_by_role("button", name="Remove from this server").click()
    await bot.heard("guild_remove")
    await page.locator("#bots li", has_text="Astero").first.wait_for()
    mine = page.locator("#bots li.absent").first
    await expect(mine).to_be_visible()


async def test_everything_shown_has_a_name_for_those_who_cannot_see(house: House, page: Page) -> None:
    unnamed: list[Any] = await page.evaluate(
        """() => [...document.querySelectorAll("button, select, textarea, input")]
            .filter((control) => control.checkVisibility())
            .filter((control) => !(control.textContent.trim() && control.tagName === "BUTTON"))
            .filter((control) => !control.labels?.length && !control.getAttribute("aria-label"))
            .map((control) => control.outerHTML)"""
    )
    assert unnamed == []
    assert await page.locator("html").get_attribute("lang") == "en"
    assert house.guild_id


@pytest.mark.parametrize(("locale", "sentence"), [("en-GB", "You are"), ("fr-CA", "Vous êtes")])
async def test_the_page_speaks_the_browsers_language(house: House, locale: str, sentence: str) -> None:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        page = await browser.new_page(locale=locale)
        await page.goto(house.server.url)
        await expect(page.get_by_text(sentence, exact=True)).to_be_visible()
        await browser.close()
