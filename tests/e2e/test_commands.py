"""A server's admin in Discord: the same commands of the shared and of a branded bot, for their eyes only."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from support.hosted import HostedBot, new_application
from support.house import House
from support.owner import Owner
from support.server import Server, custom_ids, seen

MANAGE_GUILD = 1 << 5
MODERATE_MEMBERS = 1 << 40


@dataclass(frozen=True, slots=True)
class Desk:
    """A server with an admin and a member, and the bot that serves it, as its dashboard user has it too."""

    bot: HostedBot
    server: Server
    admin: str
    member: str

    def use(self, command: str, *, by: str | None = None, **options: Any) -> str:
        """What the admin reads: always an answer that nobody else can see."""
        answer = self.server.use(by or self.admin, self.bot.application.id, command, **options)
        assert answer.get("ephemeral") is True, answer
        assert not answer["pending"], answer
        return seen(answer)


@pytest.fixture(params=["shared", "branded"])
def desk(request: pytest.FixtureRequest, house: House, shared_bot_listens: None) -> Iterator[Desk]:
    if request.param == "shared":
        server = Server(house)
        bot = HostedBot.shared(house, server)
    else:
        bot, server = request.getfixturevalue("bot"), request.getfixturevalue("server")
    admin = server.join("max", permissions=MANAGE_GUILD | MODERATE_MEMBERS)
    yield Desk(bot, server, admin, server.join("nova"))
    if request.param == "shared":
        bot.owner.close()


def test_automod_is_configured_in_discord_and_seen_in_the_dashboard(desk: Desk) -> None:
    before = desk.use("automod status")
    assert "Words: off" in before
    assert "spammer" in desk.use("automod addword", word="spammer")
    assert "Words" in desk.use("automod toggle", rule="words", on=True)
    rule = desk.bot.settings(desk.server)["words"]
    assert (rule["enabled"], rule["words"]) == (True, ["spammer"])
    assert "**Words**: on" in desk.use("automod status")
    # Whoever was told that it is on may rely on it.
    desk.server.wait_gone(desk.server.say(desk.member, "buy from this spammer"))

    desk.use("automod removeword", word="SPAMMER")
    desk.use("automod allow add", domain="https://reef.example/shop")
    settings = desk.bot.settings(desk.server)
    assert settings["words"]["words"] == []
    assert "reef.example" in settings["links"]["allowedDomains"]
    desk.use("automod allow remove", domain="reef.example")
    assert "reef.example" not in desk.bot.settings(desk.server)["links"]["allowedDomains"]
    newest = desk.bot.owner.get(f"{desk.bot.guild_path(desk.server)}/modules/automod/revisions")["items"][0]
    assert newest["actor"] == {"kind": "member", "id": desk.admin, "name": "max"}


def test_what_the_dashboard_changes_is_seen_in_discord(desk: Desk) -> None:
    desk.bot.change(desk.server, caps={"enabled": True, "action": "timeout"})
    assert "**Capitals**: on · Time out" in desk.use("automod status")
    path = f"{desk.bot.guild_path(desk.server)}/cases"
    desk.bot.owner.post(path, {"action": "note", "targetId": desk.member, "internalNote": "watch them"})
    desk.bot.wait_case(desk.server)
    assert "#1" in desk.use("cases list")
    assert "watch them" in desk.use("cases show", number=1)


def test_the_settings_panel_reaches_every_kind_of_setting(desk: Desk) -> None:
    server, bot = desk.server, desk.bot.application.id
    panel = server.use(desk.admin, bot, "settings")
    assert panel["ephemeral"]

    def press(custom_id: str, *values: str) -> dict[str, Any]:
        return server.press(desk.admin, bot, panel["message"], custom_id, *values)

    press("settings:module", "automod")
    press("settings:group:automod", "words")
    press("settings:field:automod:words", "enabled")
    shown = press("settings:set:automod:words.enabled:true")
    assert "Off → On" in seen(shown)
    press("settings:group:automod:words:0")
    press("settings:field:automod:words", "action")
    press("settings:set:automod:words.action", "kick")
    press("settings:group:automod:words:0")
    press("settings:field:automod:words", "words")
    form = press("settings:edit:automod:words.words")
    assert form["modal"]["custom_id"] == "settings:save:automod:words.words"
    server.submit(desk.admin, bot, "settings:save:automod:words.words", value="one\ntwo words")
    words = desk.bot.settings(server)["words"]
    assert (words["enabled"], words["action"], words["words"]) == (True, "kick", ["one", "two words"])

    press("settings:group:automod:words:0")
    press("settings:module:automod:0")
    press("settings:home")
    press("settings:module", "cases")
    press("settings:field:cases:-", "logChannel")
    press("settings:set:cases:logChannel", server.log_channel)
    assert desk.bot.settings(server, "cases")["logChannel"] == server.log_channel
    shown = press("settings:clear:cases:logChannel")
    assert desk.bot.settings(server, "cases")["logChannel"] is None
    assert custom_ids(shown)


def test_a_wrong_value_in_a_form_is_explained_and_changes_nothing(desk: Desk) -> None:
    server, bot = desk.server, desk.bot.application.id
    panel = server.use(desk.admin, bot, "settings")
    for custom_id, value in (
        ("settings:module", "automod"),
        ("settings:group:automod", "caps"),
        ("settings:field:automod:caps", "percent"),
    ):
        server.press(desk.admin, bot, panel["message"], custom_id, value)
    for wrong in ("a lot", "200"):
        server.press(desk.admin, bot, panel["message"], "settings:edit:automod:caps.percent")
        told = server.submit(desk.admin, bot, "settings:save:automod:caps.percent", value=wrong)
        assert told["ephemeral"]
        assert "99" in seen(told) or "whole number" in seen(told)
    assert desk.bot.module(server).json()["revision"] == 0


def test_a_moderator_acts_and_the_dashboard_shows_the_case(desk: Desk) -> None:
    desk.use("mod warn", member=desk.member, reason="be kind")
    desk.use("mod note", user=desk.member, text="second account?")
    desk.use("cases reason", number=1, reason="be kind, please")
    note, warning = desk.bot.cases(desk.server)
    assert (warning["action"], warning["source"], warning["reason"]) == ("warn", "command", "be kind, please")
    assert warning["moderator"] == {"id": desk.admin, "name": "max"}
    assert warning["target"] == {"id": desk.member, "name": "nova"}
    assert (note["action"], note["internalNote"], note["related"]) == ("note", "second account?", [1])
    shown = desk.use("cases show", number=1)
    assert "be kind, please" in shown
    listed = desk.use("cases list", member=desk.member)
    assert "#1" in listed
    assert "#2" in listed
    assert "#9" in desk.use("cases show", number=9)


def test_nobody_else_reads_the_answers(desk: Desk) -> None:
    desk.use("automod status")
    desk.use("mod note", user=desk.member, text="second account?")
    assert desk.server.messages() == []
    assert len(desk.server.messages(reader=desk.admin)) == 2


def test_discord_does_not_offer_the_commands_to_members(desk: Desk) -> None:
    for command, options in (
        ("automod status", {}),
        ("settings", {}),
        ("cases list", {}),
        ("mod warn", {"member": desk.admin}),
    ):
        answer = desk.server.use(desk.member, desk.bot.application.id, command, **options)
        assert answer == {"refused": "missing_permissions"}


def test_answers_are_in_the_language_of_the_one_who_asks(desk: Desk) -> None:
    french = desk.server.join("zoé", permissions=MANAGE_GUILD | MODERATE_MEMBERS, locale="fr")
    assert "inactive" in desk.use("automod status", by=french)
    assert "Words: off" in desk.use("automod status")
    told = desk.use("mod warn", by=french, member=desk.member, reason="du calme")
    assert "Avertissement" in told
    assert "pas de dossier" in desk.use("cases show", by=french, number=99)


def test_a_moderator_cannot_reach_above_themselves(desk: Desk) -> None:
    for target in (desk.server.owner_id, desk.bot.application.id):
        desk.use("mod timeout", member=target, duration="10m")
    peer = desk.server.join("otto", roles=("Moderator",))
    desk.server.give_roles(desk.admin, "Moderator")
    told = desk.use("mod timeout", member=peer, duration="10m")
    assert "not below yours" in told
    assert desk.bot.cases(desk.server) == []


def test_our_own_check_stands_when_a_server_offers_the_commands_to_all(owner: Owner) -> None:
    """An admin may override who is offered a command; what it does stays with those who may."""
    house = owner.house
    bot = HostedBot.create(owner, new_application(house))
    bot.wait_state("online")
    server = Server(house)
    bot.enter(server)
    member, other = server.join("nova"), server.join("otto")
    server.use(server.owner_id, bot.application.id, "automod status")
    _offer_to_all(bot)
    for command, options in (
        ("automod addword", {"word": "spam"}),
        ("settings", {}),
        ("cases list", {}),
        ("mod warn", {"member": other}),
        ("mod ban", {"user": other}),
        ("mod purge", {"count": 5}),
    ):
        answer = server.use(member, bot.application.id, command, **options)
        assert answer["ephemeral"], answer
        assert "You need the permission" in seen(answer)
    assert bot.module(server).json()["revision"] == 0
    assert bot.cases(server) == []
    assert server.member(other)


def _offer_to_all(bot: HostedBot) -> None:
    base = f"{bot.house.stack.discord_url}/api/v10/applications/{bot.application.id}/commands"
    headers = {"Authorization": f"Bot {bot.application.token}"}
    with httpx.Client(headers=headers, trust_env=False) as discord:
        for command in discord.get(base).json():
            changed = discord.patch(f"{base}/{command['id']}", json={"default_member_permissions": None})
            assert changed.is_success, changed.text
