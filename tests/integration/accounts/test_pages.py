"""The pages of the links, in a real browser: what they may load, what they send, what they say."""

from collections.abc import AsyncIterator, Iterator
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import pytest
from playwright.async_api import Page, expect
from support.api import PASSWORD, browser
from support.api_process import KeptProcess, kept_process
from support.chromium import needs_chromium, opened_page
from support.mail import MailSandbox, link_of
from support.office import Office

from astero_api.dashboard.static_files import STATIC
from astero_api.features.accounts.links import make_link
from astero_api.web.edge import Edge
from astero_api.web.security_headers import API_SECURITY_HEADERS
from astero_shared.db.session import transaction
from astero_shared.features.accounts.store import Purpose, find_user_by_email, get_user

pytestmark = [pytest.mark.browser, needs_chromium]

ANA, BEA = "ana@example.com", "bea@example.com"
NEW = "another-set-of-words"


@pytest.fixture(scope="module")
def kept() -> Iterator[KeptProcess]:
    with kept_process(host="127.0.0.1") as process:
        yield process


@pytest.fixture
def api_environment(api_environment: dict[str, str], kept: KeptProcess) -> dict[str, str]:
    return kept.environment(api_environment)


@pytest.fixture
def origin(api_environment: dict[str, str]) -> str:
    return api_environment["PUBLIC_URL"]


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    async with opened_page() as found:
        yield found


async def registered(office: Office, origin: str, email: str) -> UUID:
    async with httpx.AsyncClient(base_url=origin, headers={"Origin": origin}, timeout=30) as client:
        made = await client.post("/api/auth/register", json={"email": email, "password": PASSWORD})
        assert made.is_success, made.text
    async with transaction(office.engine) as session:
        user = await find_user_by_email(session, email)
    assert user is not None
    return user.id


@pytest.fixture
async def user_id(office: Office, origin: str) -> UUID:
    return await registered(office, origin, ANA)


async def sign_in(page: Page, email: str) -> None:
    await page.locator("#email").fill(email)
    await page.locator("#password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in", exact=True).click()


async def link(office: Office, user_id: UUID, purpose: Purpose, email: str | None = None) -> str:
    async with transaction(office.engine) as session:
        token = await make_link(session, await get_user(session, user_id), purpose, email=email)
    assert token is not None
    return token


async def test_an_address_is_confirmed_by_who_is_signed_in_and_clicks(
    origin: str, office: Office, user_id: UUID, page: Page
) -> None:
    await registered(office, origin, BEA)
    token = await link(office, user_id, "verify", ANA)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("framenavigated", lambda frame: asked.append(frame.url.partition("#")[0]))
    await page.goto(f"{origin}/account/verify#{token}")
    confirm = page.get_by_role("button", name="Confirm my address")
    for email, said in ((BEA, "Sign in to this account first"), (ANA, "belongs to another account")):
        await confirm.click()
        await expect(page.get_by_role("alert")).to_contain_text(said)
        assert page.url == f"{origin}/account/verify", "the secret is out of the address"
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.locator("#email")).to_be_visible()
        assert page.url == f"{origin}/account/sign-in?next=/account/verify"
        await sign_in(page, email)
    await expect(confirm).to_be_visible(timeout=60_000)
    assert office.rows("SELECT email_verified_at FROM users WHERE email_verified_at IS NOT NULL") == []
    await confirm.click()
    await expect(page.get_by_role("status")).to_contain_text("your address is confirmed")
    assert office.rows("SELECT email FROM users WHERE email_verified_at IS NOT NULL") == [(ANA,)]
    assert await page.evaluate("localStorage.length + sessionStorage.length") == 0
    assert not [url for url in asked if token in url]


async def test_the_whole_way_in_french(origin: str, office: Office, mail: MailSandbox) -> None:
    async with opened_page(locale="fr-FR") as page:
        await page.goto(origin)
        await page.get_by_role("link", name="Créer un compte").click()
        await page.get_by_label("Adresse e-mail").fill("ana@example.com")
        await page.get_by_label("Nouveau mot de passe").fill("motdepasse1234")
        await page.get_by_role("button", name="Créer le compte").click()
        await expect(page.get_by_role("alert")).to_contain_text("parmi les premiers qu’on essaie")
        await page.get_by_label("Nouveau mot de passe").fill(NEW)
        await page.get_by_role("button", name="Créer le compte").click()
        await expect(page.get_by_role("status")).to_contain_text("Vous pouvez vous connecter", timeout=60_000)
        await office.work()
        (letter,) = mail.messages("ana@example.com")
        assert letter["subject"] == "Confirmez votre adresse"
        await page.goto(link_of(letter))
        await page.get_by_role("button", name="Confirmer mon adresse").click()
        await expect(page.get_by_role("alert")).to_contain_text("Connectez-vous d’abord à ce compte")
        await page.get_by_role("button", name="Se connecter").click()
        await page.get_by_role("link", name="Mot de passe oublié").click()
        await page.get_by_label("Adresse e-mail").fill("ana@example.com")
        await page.get_by_role("button", name="Envoyer l’e-mail").click()
        await expect(page.get_by_role("status")).to_contain_text("un e-mail avec un lien est en route")
        await office.work()
        letter = mail.messages("ana@example.com")[0]
        assert letter["subject"] == "Choisissez un nouveau mot de passe"
        await page.goto(link_of(letter))
        await page.get_by_label("Nouveau mot de passe").fill(f"{NEW}-2")
        await page.get_by_role("button", name="Enregistrer").click()
        await expect(page.get_by_role("status")).to_contain_text("est enregistré", timeout=60_000)
        await page.get_by_role("link", name="Se connecter").click()
        await page.get_by_label("Adresse e-mail").fill("ana@example.com")
        await page.locator("#password").fill(f"{NEW}-2")
        await page.get_by_role("button", name="Se connecter", exact=True).click()
        await expect(page.get_by_text("Connecté en tant que ana@example.com")).to_be_visible(timeout=60_000)
        await page.get_by_role("link", name="Votre compte").click()
        await expect(page.get_by_text("confirmée", exact=True)).to_be_visible()
        await expect(page.get_by_role("button", name="Ajouter une clé d’accès")).to_be_visible()


async def test_a_new_password_is_chosen_with_what_is_refused_said(
    origin: str, office: Office, user_id: UUID, page: Page
) -> None:
    token = await link(office, user_id, "reset")
    await page.goto(f"{origin}/account/reset#{token}")
    field = page.get_by_label("New password")
    await field.fill("password1234")
    await page.get_by_role("button").click()
    await expect(page.get_by_role("alert")).to_contain_text("among the first a guesser tries")
    await page.get_by_label("Show it").check()
    await expect(field).to_have_attribute("type", "text")
    await field.fill(NEW)
    await page.get_by_role("button").click()
    await expect(page.get_by_role("status")).to_contain_text("You can sign in with it now", timeout=60_000)
    assert office.rows("SELECT password_hash IS NOT NULL FROM users") == [(True,)]


async def test_an_account_moves_to_its_new_address(
    origin: str, office: Office, user_id: UUID, page: Page
) -> None:
    token = await link(office, user_id, "address", "ana@elsewhere.example")
    await page.goto(f"{origin}/account/sign-in?next=/account/address#{token}")
    await sign_in(page, ANA)
    await page.get_by_role("button", name="Use this address").click()
    await expect(page.get_by_role("status")).to_contain_text("has its new address")
    assert office.rows("SELECT email FROM users") == [("ana@elsewhere.example",)]


async def test_a_link_without_its_secret_asks_for_the_whole(origin: str, page: Page) -> None:
    await page.goto(f"{origin}/account/reset")
    await expect(page.get_by_role("alert")).to_contain_text("This link is incomplete")
    await expect(page.get_by_role("button")).to_be_hidden()
    # pasted whole in the same tab, it changes the fragment alone
    await page.evaluate("location.hash = 'the-secret'")
    await expect(page.get_by_role("button")).to_be_visible()
    assert page.url == f"{origin}/account/reset"


async def test_what_is_planted_in_the_page_does_not_run(origin: str) -> None:
    complaints: list[str] = []
    async with opened_page(complaints=complaints) as page:
        await page.goto(f"{origin}/account/reset#x")
        await page.evaluate(
            """() => {
                const planted = document.createElement("div");
                try { planted.innerHTML = "<img src=x onerror='window.ran = 1'>"; } catch {}
                try { planted.setAttribute("onclick", "window.ran = 1"); } catch {}
                document.body.append(planted);
                planted.click();
                const style = document.createElement("style");
                style.textContent = "body { display: none }";
                document.head.append(style);
            }"""
        )
        assert await page.evaluate("() => window.ran") is None
        await expect(page.get_by_role("heading")).to_be_visible()
    assert any("TrustedHTML" in said for said in complaints)
    assert any("Content Security Policy" in said for said in complaints)


async def test_pages_have_every_header_and_a_nonce_of_their_own(api: Edge) -> None:
    policies: set[str] = set()
    async with browser(api) as client:
        for path in ("verify", "reset", "address", "reset"):
            answer = await client.get(f"/account/{path}", headers={"Accept-Language": "fr"})
            assert answer.status_code == 200
            assert answer.headers["content-language"] == "fr"
            for name, value in API_SECURITY_HEADERS:
                (found,) = answer.headers.get_list(name.decode())
                # passkeys are for pages, and for pages alone
                same = found.replace("credentials-create=(self)", "credentials-create=()")
                same = same.replace("credentials-get=(self)", "credentials-get=()")
                assert same == value.decode() or name == b"content-security-policy"
            policy = answer.headers["content-security-policy"]
            nonce = policy.partition("'nonce-")[2].partition("'")[0]
            assert len(nonce) >= 24
            assert f'<script nonce="{nonce}" src=' in answer.text
            assert policy == (
                f"default-src 'none'; script-src 'nonce-{nonce}' 'strict-dynamic'; style-src 'self';"
                " img-src 'self' https://cdn.discordapp.com; connect-src 'self'; font-src 'self';"
                " base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none';"
                " require-trusted-types-for 'script'; report-uri /api/reports/csp; report-to csp"
            )
            assert answer.headers.get_list("reporting-endpoints") == ['csp="/api/reports/csp"']
            policies.add(policy)
        assert len(policies) == 4
        await refused_page(client)


async def refused_page(client: httpx.AsyncClient) -> None:
    """What is no page has the policy of the api's answers."""
    for path in ("/account/verify?x=1", "/account/nothing", f"{STATIC}/account.css"):
        answer = await client.get(path)
        assert answer.headers["content-security-policy"].endswith("sandbox"), path
        assert urlsplit(path).path.endswith(".css") == (answer.status_code == 200)
