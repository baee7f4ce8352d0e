"""The page of an account's security, with Chromium's own authenticator: two steps, passkeys, the way in."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator

import httpx
import psycopg
import pytest
from playwright.async_api import Page, Route, expect
from support.api import PASSWORD
from support.api_process import KeptProcess, kept_process
from support.chromium import needs_chromium, opened_page
from support.mfa import App, forget_used, run
from support.stack import Database

pytestmark = [pytest.mark.browser, needs_chromium]

EMAIL, BEA = "ana@example.com", "bea@example.com"
# a browser on a busy machine
_PATIENCE_MS = 60_000


@pytest.fixture(scope="module")
def kept() -> Iterator[KeptProcess]:
    """Passkeys need a secure page, which localhost is, and a name: an address has none."""
    with kept_process(host="localhost") as process:
        yield process


@pytest.fixture
async def origin(api_environment: dict[str, str], kept: KeptProcess) -> str:
    environment = kept.environment(api_environment)
    url = environment["PUBLIC_URL"]
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{environment['API_PORT']}", timeout=30
    ) as client:
        body = {"email": EMAIL, "password": PASSWORD}
        made = await client.post("/api/auth/register", json=body, headers={"Origin": url})
        assert made.is_success, made.text
    return url


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    async with opened_page() as found:
        yield found


async def plug_in(page: Page, *, verifies: bool = True) -> None:
    """A phone that unlocks by itself: the virtual authenticator of the WebAuthn domain."""
    devtools = await page.context.new_cdp_session(page)
    await devtools.send("WebAuthn.enable")
    await devtools.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": verifies,
                "automaticPresenceSimulation": True,
            }
        },
    )


async def see_again(page: Page) -> None:
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


async def sign_out(page: Page) -> None:
    # a tab behind another draws once a second, and the click waits for it
    await page.bring_to_front()
    await page.get_by_role("button", name="Sign out", exact=True).click()


async def type_password(page: Page, email: str = EMAIL) -> None:
    await page.bring_to_front()
    await page.locator("#email").fill(email)
    await page.locator("#password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in", exact=True).click()


async def test_two_steps_and_passkeys_from_end_to_end(origin: str, page: Page, database: Database) -> None:
    await plug_in(page)
    await page.goto(f"{origin}/account/security")
    await type_password(page)
    await expect(page.get_by_text("It is off")).to_be_visible(timeout=_PATIENCE_MS)

    await page.get_by_role("button", name="Switch it on").click()
    await expect(page.locator("#qr path")).to_have_count(1)
    app = App((await page.locator("#secret").inner_text()).replace(" ", ""))
    await page.get_by_label("The code your app shows now").fill(app.code())
    await page.locator("#enrolment").get_by_role("button", name="Confirm").click()
    await expect(page.locator("#codes li")).to_have_count(10)
    await expect(page.get_by_text("Recovery codes left: 10")).to_be_visible()
    await expect(page.locator("#secret")).to_have_text("")

    await page.get_by_label("What you call it").fill("This phone")
    await page.get_by_role("button", name="Add a passkey").click()
    await expect(page.locator("#passkey-list")).to_contain_text("This phone")

    await page.get_by_role("button", name="Sign out everywhere").click()
    await page.get_by_role("button", name="Sign in with a passkey").click()
    await expect(page.get_by_text("It is on")).to_be_visible()
    await expect(page.locator("#session-list")).to_contain_text("this browser")

    # the password is the first of two steps; the passkey may be the second
    await page.get_by_role("button", name="Sign out everywhere").click()
    await type_password(page)
    await expect(page.get_by_role("heading", name="One more step")).to_be_visible(timeout=_PATIENCE_MS)
    await page.get_by_role("button", name="Use a passkey").click()
    await expect(page.get_by_text("It is on")).to_be_visible()
    assert page.url == f"{origin}/account/security"

    # what changes how one signs in asks for a proof, once
    run(database, "UPDATE sessions SET authenticated_at = now() - interval '301 seconds'")
    await page.get_by_role("button", name="Switch it off").click()
    await expect(page.get_by_role("heading", name="Confirm that it is you")).to_be_visible()
    await page.locator("#proof-passkey").click()
    await expect(page.get_by_text("It is off")).to_be_visible()
    await page.get_by_role("button", name="Remove").click()
    await expect(page.locator("#passkey-list li")).to_have_count(0)


async def test_a_code_or_a_recovery_code_is_the_second_step(
    origin: str, page: Page, database: Database
) -> None:
    await page.goto(f"{origin}/account/security")
    await type_password(page)
    await page.get_by_role("button", name="Switch it on").click(timeout=_PATIENCE_MS)
    await expect(page.locator("#qr path")).to_have_count(1)
    app = App((await page.locator("#secret").inner_text()).replace(" ", ""))
    # in groups, and in the wide digits of a Japanese keyboard
    wide = "".join(chr(ord(digit) - ord("0") + ord("０")) for digit in app.code())
    await page.get_by_label("The code your app shows now").fill(f" {wide[:3]} {wide[3:]}")
    await page.locator("#enrolment").get_by_role("button", name="Confirm").click()
    await expect(page.locator("#codes li")).to_have_count(10)
    code = await page.locator("#codes li").first.inner_text()
    forget_used(database)

    for label, typed in (("Code of your app", app.code), ("Recovery code", lambda: code)):
        await page.get_by_role("button", name="Sign out everywhere").click()
        await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        # a letter's secret goes through both steps in the fragment, and shows in neither
        await page.goto(f"{page.url}#secret")
        await expect(page).to_have_url(f"{origin}/account/sign-in?next=/account/security")
        await type_password(page)
        await expect(page.get_by_role("heading", name="One more step")).to_be_visible(timeout=_PATIENCE_MS)
        await expect(page).to_have_url(f"{origin}/account/second-step?next=%2Faccount%2Fsecurity")
        if label == "Recovery code":
            await page.get_by_role("button", name="Use a recovery code").click()
        await page.get_by_label(label).fill(app.wrong())
        await page.get_by_role("button", name="Confirm").click()
        await expect(page.get_by_role("alert")).to_contain_text("This code is wrong")
        # as the app shows it now
        await page.get_by_label(label).fill(typed())
        await page.get_by_role("button", name="Confirm").click()
        await expect(page.get_by_text("It is on")).to_be_visible()
        assert page.url == f"{origin}/account/security#secret"
    await expect(page.get_by_text("Recovery codes left: 9")).to_be_visible()


async def test_a_device_that_verifies_nobody_makes_no_passkey(origin: str, page: Page) -> None:
    await plug_in(page, verifies=False)
    await page.goto(f"{origin}/account/security")
    await type_password(page)
    await page.get_by_label("What you call it").fill("Found on the street", timeout=_PATIENCE_MS)
    await page.get_by_role("button", name="Add a passkey").click()
    await expect(page.get_by_role("alert")).to_contain_text("No passkey was used", timeout=_PATIENCE_MS)
    await expect(page.locator("#passkey-list li")).to_have_count(0)


async def test_cookies_that_are_blocked_are_told_of(origin: str, page: Page) -> None:
    # and no locks: Firefox rejects whoever asks for one
    await page.add_init_script(
        "Object.defineProperty(navigator, 'cookieEnabled', {value: false});"
        "Object.defineProperty(navigator, 'locks', {value: {request: () => Promise.reject(new Error())}})"
    )
    await page.goto(f"{origin}/account/security")
    await expect(page.get_by_text("Signing in needs cookies")).to_be_visible()


async def test_a_slow_script_never_puts_a_password_in_the_address(origin: str) -> None:
    async with opened_page(complaints=[]) as page:
        await page.route("**/sign-in.js", lambda route: route.abort())
        await page.goto(f"{origin}/account/sign-in")
        await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        await expect(page.locator("#password")).to_be_hidden()
        await expect(page.get_by_text("load it again")).to_be_visible()
        # nor does the browser itself send the form, whatever submits it
        async with page.expect_console_message(lambda said: "form-action" in said.text):
            await page.evaluate("document.querySelector('form').submit()")
        assert page.url == f"{origin}/account/sign-in"


async def test_nothing_inline_and_no_frame(origin: str) -> None:
    async with httpx.AsyncClient(base_url=origin) as client:
        for path in ("/account/security", "/account/second-step", "/account/sign-in"):
            answer = await client.get(path)
            assert answer.status_code == 200
            policy = answer.headers["content-security-policy"]
            for part in (
                "default-src 'none'",
                "frame-ancestors 'none'",
                "require-trusted-types-for 'script'",
            ):
                assert part in policy
            assert "unsafe" not in policy
            assert "publickey-credentials-get=(self)" in answer.headers["permissions-policy"]
            assert " style=" not in answer.text
            assert "onclick" not in answer.text
            for style in re.findall(r'href="(/static/.*?)"', answer.text):
                # Firefox 115 and Safari 17.4 do not know it, and show fields without edges
                assert "light-dark(" not in (await client.get(style)).text
        api = await client.get("/api/auth/me")
        assert "publickey-credentials-get=()" in api.headers["permissions-policy"]


async def go_back_signed_out(page: Page) -> None:
    """The page of before asks who is signed in, and whether the session goes on, and shows nobody."""
    async with page.expect_response("**/api/auth/refresh") as answered:
        await page.go_back()
    assert (await answered.value).status == 401
    await expect(page.get_by_text(EMAIL)).to_have_count(0)


async def test_the_home_page_knows_who_is_signed_in(origin: str, page: Page) -> None:
    # what older browsers lack
    await page.add_init_script("delete Navigator.prototype.locks; delete Element.prototype.ariaBusy")
    busy: list[str | None] = []

    async def look(route: Route) -> None:
        busy.append(await page.locator("form button").get_attribute("aria-busy"))
        await route.continue_()

    await page.route("**/api/auth/login", look)
    await page.set_viewport_size({"width": 320, "height": 640})
    await page.goto(origin)
    await page.get_by_role("link", name="Sign in", exact=True).click()
    await type_password(page)
    await expect(page.get_by_text(f"Signed in as {EMAIL}")).to_be_visible(timeout=_PATIENCE_MS)
    assert busy == ["true"]
    await expect(page.get_by_role("link", name="Sign in", exact=True)).to_be_hidden()
    # the short cookie ends after ten minutes, and nobody notices
    await page.context.clear_cookies(name="__Host-astero_at")
    await page.get_by_role("link", name="Your account").click()
    await expect(page.get_by_text("It is off")).to_be_visible()
    await expect(page.locator("#session-list li")).to_have_count(1)
    async with page.expect_popup() as opened:
        await page.evaluate("open('/account/security')")
    other = await opened.value
    await expect(other.get_by_text(EMAIL)).to_be_visible()
    await other.get_by_role("button", name="Switch it on").click()
    await expect(other.locator("#secret")).not_to_be_empty()
    await page.context.set_offline(True)
    await see_again(other)
    await expect(other.get_by_text("That did not work")).to_be_visible()
    await page.context.set_offline(False)
    await see_again(other)
    await expect(other.get_by_text("That did not work")).to_have_count(0)
    await sign_out(page)
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    await go_back_signed_out(page)

    # nothing of one account stays where another has signed in
    body = {"email": BEA, "password": PASSWORD, "displayName": "W" * 80}
    await page.request.post(f"{origin}/api/auth/register", data=body, headers={"Origin": origin})
    await page.get_by_role("link", name="Sign in", exact=True).click()
    await type_password(page, BEA)
    await expect(page.get_by_text("Signed in as WWW")).to_be_visible(timeout=_PATIENCE_MS)
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await see_again(other)
    await expect(other.get_by_text(BEA)).to_be_visible()
    await expect(other.locator("#secret")).to_be_empty()
    await sign_out(page)
    await expect(page.get_by_role("link", name="Sign in", exact=True)).to_be_visible()
    await other.get_by_role("button", name="Send the email again").click()
    await expect(other.get_by_role("heading", name="Sign in")).to_be_visible()
    await page.goto(f"{origin}/account/second-step?next=//evil.example")
    assert await page.locator("main").get_attribute("data-next") == "/"


async def test_the_password_is_changed_by_keyboard_after_a_proof_that_may_be_cancelled(
    origin: str, page: Page, database: Database
) -> None:
    await page.goto(f"{origin}/account/security")
    await type_password(page)
    await page.get_by_label("Present password").fill(PASSWORD, timeout=_PATIENCE_MS)
    await page.get_by_label("New password").fill("another-set-of-words")
    run(database, "UPDATE sessions SET authenticated_at = now() - interval '301 seconds'")
    await page.keyboard.press("Enter")
    proof = page.get_by_role("dialog", name="Confirm that it is you")
    await expect(proof).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(proof).to_be_hidden()
    await expect(page.locator("#problem")).to_be_empty()
    await page.get_by_role("button", name="Change the password").click()
    await proof.get_by_label("Password").fill("not the right one")
    await page.keyboard.press("Enter")
    await expect(proof.get_by_role("alert")).to_contain_text("This password is wrong", timeout=_PATIENCE_MS)
    await proof.get_by_label("Password").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("status")).to_contain_text("Your password is changed", timeout=_PATIENCE_MS)


async def test_a_page_left_while_its_cookies_are_renewed_signs_nobody_out(
    origin: str, page: Page, database: Database
) -> None:
    """The answer to the refresh comes when the page that asked is gone; it holds the only next cookies."""
    security = f"{origin}/account/security"
    await page.goto(security)
    await type_password(page)
    await expect(page.get_by_text("It is off")).to_be_visible(timeout=_PATIENCE_MS)
    await page.context.clear_cookies(name="__Host-astero_at")
    with psycopg.connect(database.admin) as slow:
        slow.execute("SELECT FROM refresh_tokens FOR UPDATE")
        for waiting in (1, 2):
            await page.goto(security)
            await until_waiting(database, waiting)
    await expect(page.get_by_text("It is off")).to_be_visible(timeout=_PATIENCE_MS)


async def until_waiting(database: Database, wanted: int) -> None:
    query = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    with psycopg.connect(database.admin, autocommit=True) as connection:
        while connection.execute(query).rowcount != wanted:  # noqa: ASYNC110 - of another process
            await asyncio.sleep(0.02)


async def test_too_many_tries_are_told_how_long_to_wait(origin: str, page: Page) -> None:
    await page.goto(f"{origin}/account/sign-in")
    # something on the way answers, which knows no sentence of ours
    await page.route(
        "**/api/auth/login", lambda route: route.fulfill(status=502, body="<h1>Bad Gateway</h1>")
    )
    await type_password(page)
    await expect(page.get_by_role("alert")).to_have_text("That did not work. Try again in a moment.")
    await page.unroute("**/api/auth/login")
    async with httpx.AsyncClient(base_url=origin) as client:
        for _ in range(5):
            await client.post(
                "/api/auth/login", json={"email": "a", "password": "b"}, headers={"Origin": origin}
            )
    await type_password(page)
    await expect(page.get_by_role("alert")).to_contain_text(
        "You can try again in 15 minutes.", timeout=_PATIENCE_MS
    )


@pytest.mark.parametrize("path", ["/", "/account/sign-in", "/account/register", "/account/security"])
async def test_a_narrow_page_is_not_wider_than_the_screen_and_every_field_has_a_name(
    origin: str, page: Page, path: str
) -> None:
    await page.set_viewport_size({"width": 320, "height": 640})
    await page.goto(origin + path)
    if path == "/account/security":
        await type_password(page)
        await expect(page.get_by_text("It is off")).to_be_visible(timeout=_PATIENCE_MS)
    elif path != "/":
        # the script has shown the form
        await expect(page.locator("#email")).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    nameless = "[...document.querySelectorAll('input:not([hidden])')].filter((one) => !one.labels.length)"
    assert await page.evaluate(f"{nameless}.length") == 0
