"""A person who forgot their password, over the whole house: ask, read the letter, choose, log in."""

from typing import Any

import httpx
import pytest
from playwright.sync_api import expect, sync_playwright
from support.chromium import CHROMIUM, QUIET, needs_chromium
from support.house import House
from support.owner import Owner

NEW = "another-set-of-words"


def letters(house: House, to: str, subject: str) -> list[dict[str, Any]]:
    """Newest first."""
    answer = httpx.get(f"{house.stack.mail_url}/sandbox/messages", params={"to": to}, trust_env=False)
    return [message for message in answer.raise_for_status().json() if message["subject"] == subject]


@pytest.mark.browser
@needs_chromium
def test_a_forgotten_password_is_replaced_and_whoever_was_signed_in_is_out(house: House) -> None:
    ana = Owner(house)
    ana.register()
    ana.log_in()
    forgot = {"email": ana.email}
    assert ana.send("POST", "/api/auth/password/forgot", forgot).status_code == 202
    (letter,) = house.wait(
        lambda: letters(house, ana.email, "Choose a new password"), what="the letter arrives"
    )
    assert letter["encrypted"]
    (link,) = {link for link in letter["links"] if "#" in link}
    token = link.partition("#")[2]
    # neither a log line nor an answer may hold it
    house.secrets.add(token)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        page = chromium.new_page(locale="en-US")
        page.goto(house.stack.mail_url)
        page.locator("nav").get_by_role("link", name="Choose a new password").first.click()
        with page.expect_popup() as opened:
            page.get_by_role("link", name=token).click()
        reset = opened.value
        reset.get_by_label("New password").fill(NEW)
        reset.get_by_role("button", name="Set the new password").click()
        expect(reset.get_by_role("status")).to_contain_text("You can sign in with it now", timeout=30_000)
        chromium.close()
    assert ana.send("GET", "/api/auth/me").status_code == 401
    elsewhere = Owner(house, email=ana.email)
    assert elsewhere.send("POST", "/api/auth/login", {"email": ana.email, "password": ana.password}).is_error
    elsewhere.password = NEW
    elsewhere.log_in()
    assert elsewhere.get("/api/auth/me")["emailVerified"] is True
    house.wait(
        lambda: letters(house, ana.email, "Your password was changed"), what="the change is told as well"
    )
    used = elsewhere.send("POST", "/api/auth/password/reset", {"token": token, "password": NEW + "-2"})
    assert used.status_code == 410
    for browser in (ana, elsewhere):
        browser.close()
