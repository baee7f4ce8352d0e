"""Commands, buttons, selects and modals: a person's click reaches discord.py and its answer comes back."""

import asyncio
from typing import Any, Protocol

import discord
import pytest
from discord import app_commands, ui

from .conftest import Bot, BotStarter, House


class ReasonModal(ui.Modal, title="Case"):
    reason = ui.TextInput(label="Reason", min_length=3, max_length=100)

    async def on_submit(self, interaction: discord.Interaction) -> None:
        await interaction.response.send_message(f"noted: {self.reason.value}", ephemeral=True)


class LabelModal(ui.Modal, title="Settings"):
    name = ui.Label(text="Name", component=ui.TextInput(custom_id="name", required=False))
    action = ui.Label(
        text="Action",
        component=ui.Select(
            custom_id="action",
            options=[
                discord.SelectOption(label="Warn", value="warn"),
                discord.SelectOption(label="Ban", value="ban"),
            ],
        ),
    )
    role = ui.Label(text="Role", component=ui.RoleSelect(custom_id="role"))

    async def on_submit(self, interaction: discord.Interaction) -> None:
        role = self.role.component.values[0]
        text = f"{self.name.component.value}/{self.action.component.values[0]}/{role.name}"
        await interaction.response.send_message(text)


class Panel(ui.View):
    def __init__(self) -> None:
        super().__init__(timeout=60)

    @ui.button(label="Count", custom_id="count")
    async def count(self, interaction: discord.Interaction, button: ui.Button[Any]) -> None:
        button.label = f"{button.label}!"
        await interaction.response.edit_message(content="clicked", view=self)

    @ui.button(label="Reason", custom_id="reason")
    async def reason(self, interaction: discord.Interaction, _: Any) -> None:
        await interaction.response.send_modal(ReasonModal())

    @ui.select(
        custom_id="rule",
        options=[
            discord.SelectOption(label="Words", value="words"),
            discord.SelectOption(label="Caps", value="caps"),
        ],
    )
    async def rule(self, interaction: discord.Interaction, select: Any) -> None:
        await interaction.response.send_message(select.values[0], ephemeral=True)

    @ui.select(cls=ui.UserSelect, custom_id="who")
    async def who(self, interaction: discord.Interaction, select: Any) -> None:
        await interaction.response.defer()
        await interaction.edit_original_response(content=f"chosen {select.values[0].name}")


class Use(Protocol):
    """What a person does; answers what they see."""

    bot: "CommandBot"

    async def __call__(self, user: str | None = None, **body: Any) -> Any: ...


class CommandBot(Bot):
    """The commands the tests use."""

    def __init__(self) -> None:  # noqa: C901 (a list of commands)
        super().__init__()
        automod = app_commands.Group(
            name="automod",
            description="Rules",
            default_permissions=discord.Permissions(manage_guild=True),
        )

        @automod.command(name="status", description="What is on")
        async def status(interaction: discord.Interaction) -> None:
            await interaction.response.send_message("all off", ephemeral=True)

        @automod.command(name="word", description="Add a word")
        @app_commands.describe(word="The word", user="Who")
        async def word(
            interaction: discord.Interaction,
            word: str,
            user: discord.Member,
            times: app_commands.Range[int, 1, 5] = 1,
        ) -> None:
            await interaction.response.send_message(
                f"{word} {user.name} {times} {user.resolved_permissions.kick_members}"
            )

        self.tree.add_command(automod)

        @self.tree.command(name="slow", description="Takes its time")
        async def slow(interaction: discord.Interaction) -> None:
            await interaction.response.defer(ephemeral=True)
            await interaction.followup.send("done at last")
            await interaction.followup.send("and more", ephemeral=True)

        @self.tree.command(name="never", description="Does not answer")
        async def never(interaction: discord.Interaction) -> None:
            self.late = interaction

        @self.tree.command(name="twice", description="Answers twice")
        async def twice(interaction: discord.Interaction) -> None:
            await interaction.response.send_message("one")
            try:
                await interaction.client.http.request(
                    discord.http.Route(
                        "POST",
                        "/interactions/{i}/{t}/callback",
                        i=interaction.id,
                        t=interaction.token,
                    ),
                    json={"type": 4, "data": {"content": "two"}},
                )
            except discord.HTTPException as error:
                self.events.put_nowait(("refused", error))

        @self.tree.command(name="panel", description="A panel")
        async def panel(interaction: discord.Interaction) -> None:
            await interaction.response.send_message("panel", view=Panel())

        @self.tree.command(name="labels", description="A modal with labels")
        async def labels(interaction: discord.Interaction) -> None:
            await interaction.response.send_modal(LabelModal())

        @self.tree.command(name="pick", description="Completes")
        async def pick(interaction: discord.Interaction, colour: str) -> None:
            await interaction.response.send_message(colour)

        @pick.autocomplete("colour")
        async def complete(interaction: discord.Interaction, current: str) -> list[app_commands.Choice[str]]:
            return [
                app_commands.Choice(name=item, value=item)
                for item in ("red", "rose", "blue")
                if current in item
            ]

    async def setup_hook(self) -> None:
        await self.tree.sync()


@pytest.fixture
async def use(house: House, connect: BotStarter) -> Use:
    bot = await connect(house.token, bot=CommandBot())

    async def use(user: str | None = None, **body: Any) -> Any:
        path = f"/channels/{house.general}/interactions"
        return await house.server.post(
            path, userId=user or house.owner, applicationId=house.application_id, **body
        )

    use.bot = bot
    return use


async def test_a_sub_command_answers_for_the_invoker_only(use: Use, house: House) -> None:
    seen = await use(command="automod status")
    assert seen["type"] == 4
    assert seen["ephemeral"] is True
    assert seen["message"]["content"] == "all off"
    public = await house.server.get(f"/channels/{house.general}/messages")
    assert public["messages"] == []
    own = await house.server.get(f"/channels/{house.general}/messages?userId={house.owner}")
    assert [item["content"] for item in own["messages"]] == ["all off"]


@pytest.mark.parametrize(
    "options",
    [
        {"command": "automod word", "options": {"word": "spam", "user": "NOVA", "times": 2}},
        {
            "command": "automod word",
            "options": [
                {"name": "word", "value": "spam"},
                {"name": "user", "value": "NOVA"},
                {"name": "times", "value": "2"},
            ],
        },
        {
            "command": "automod",
            "options": [
                {
                    "name": "word",
                    "type": 1,
                    "options": [
                        {"name": "word", "value": "spam"},
                        {"name": "user", "value": "NOVA"},
                        {"name": "times", "value": 2},
                    ],
                }
            ],
        },
    ],
    ids=["object", "list", "nested"],
)
async def test_options_reach_the_command_in_every_spelling(
    use: Use, house: House, options: dict[str, Any]
) -> None:
    def with_nova(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: with_nova(item) for key, item in value.items()}
        if isinstance(value, list):
            return [with_nova(item) for item in value]
        return house.nova if value == "NOVA" else value

    seen = await use(**with_nova(options))
    assert seen["message"]["content"] == "spam nova 2 False"
    assert seen["ephemeral"] is False


async def test_default_permissions_keep_a_member_out_before_the_bot_hears_of_it(
    use: Use, house: House
) -> None:
    since = (await house.server.get("/log"))["next"]
    assert await use(user=house.nova, command="automod status") == {"refused": "missing_permissions"}
    entries = (await house.server.get(f"/log?since={since}"))["entries"]
    assert not [e for e in entries if e.get("event") == "INTERACTION_CREATE"]


async def test_a_client_refuses_what_the_definition_does_not_allow(use: Use, house: House) -> None:
    path = f"/sandbox/channels/{house.general}/interactions"
    base = {"userId": house.owner, "applicationId": house.application_id}

    async def status(**body: Any) -> tuple[int, str]:
        answer = await house.server.control.post(path, json=base | body)
        return answer.status_code, answer.json()["code"]

    assert await status(command="nothing") == (404, "unknown_command")
    assert await status(command="automod") == (400, "incomplete_command")
    assert await status(command="automod word", options={"word": "x"}) == (400, "missing_option")
    wrong = {"word": "x", "user": house.nova, "times": 9}
    assert await status(command="automod word", options=wrong) == (400, "bad_option")


async def test_a_deferred_answer_is_followed_until_it_is_there(use: Use) -> None:
    seen = await use(command="slow")
    assert seen["deferred"] is True
    assert seen["ephemeral"] is True
    assert seen["message"]["content"] == "done at last"


async def test_three_seconds_without_an_answer_end_the_token(use: Use, house: House) -> None:
    assert "timeout" in await use(command="never")
    with pytest.raises(discord.NotFound) as error:
        await use.bot.late.response.send_message("too late")
    assert error.value.code == 10062


async def test_answering_twice_is_refused(use: Use) -> None:
    await use(command="twice")
    error = await use.bot.heard("refused")
    assert error.code == 40060


async def test_autocomplete_offers_choices(use: Use) -> None:
    seen = await use(command="pick", options={"colour": "r"}, focused="colour")
    assert [item["value"] for item in seen["choices"]] == ["red", "rose"]


async def test_a_button_updates_its_message(use: Use, house: House) -> None:
    panel = (await use(command="panel"))["message"]
    seen = await use(user=house.nova, messageId=panel["id"], customId="count")
    assert seen["type"] == 7
    assert seen["message"]["id"] == panel["id"]
    assert seen["message"]["content"] == "clicked"
    assert seen["message"]["components"][0]["components"][0]["label"] == "Count!"


async def test_selects_hand_over_values_and_people(use: Use, house: House) -> None:
    panel = (await use(command="panel"))["message"]
    rule = await use(messageId=panel["id"], customId="rule", values=["caps"])
    assert rule["message"]["content"] == "caps"
    who = await use(messageId=panel["id"], customId="who", values=[house.nova])
    assert who["deferred"] is True
    assert who["message"]["content"] == "chosen nova"


async def test_a_button_opens_a_modal_whose_answer_comes_back(use: Use) -> None:
    panel = (await use(command="panel"))["message"]
    opened = await use(messageId=panel["id"], customId="reason")
    assert opened["modal"]["title"] == "Case"
    field = opened["modal"]["components"][0]["components"][0]["custom_id"]
    custom_id = opened["modal"]["custom_id"]
    seen = await use(modal={"customId": custom_id, "fields": {field: "spam links"}})
    assert seen["message"]["content"] == "noted: spam links"
    assert seen["ephemeral"] is True


async def test_a_modal_of_labels_carries_text_choice_and_role(use: Use, house: House) -> None:
    opened = await use(command="labels")
    fields = {"name": "words", "action": ["ban"], "role": [house.roles["Moderator"]]}
    seen = await use(modal={"customId": opened["modal"]["custom_id"], "fields": fields})
    assert seen["message"]["content"] == "words/ban/Moderator"


async def test_a_modal_left_wrong_stays_open(use: Use, house: House) -> None:
    panel = (await use(command="panel"))["message"]
    opened = await use(messageId=panel["id"], customId="reason")
    custom_id = opened["modal"]["custom_id"]
    field = opened["modal"]["components"][0]["components"][0]["custom_id"]
    answer = await house.server.control.post(
        f"/sandbox/channels/{house.general}/interactions",
        json={
            "userId": house.owner,
            "applicationId": house.application_id,
            "modal": {"customId": custom_id, "fields": {field: "no"}},
        },
    )
    assert answer.json()["code"] == "bad_length"
    seen = await use(modal={"customId": custom_id, "fields": {field: "now it fits"}})
    assert seen["message"]["content"] == "noted: now it fits"


async def test_commands_keep_their_ids_when_synced_again(use: Use, house: House) -> None:
    async with house.server.rest(house.token) as rest:
        path = f"/applications/{house.application_id}/commands"
        before = {item["name"]: item for item in (await rest.get(path)).json()}
        await asyncio.gather(use.bot.tree.sync())
        after = {item["name"]: item for item in (await rest.get(path)).json()}
    assert before == after
    assert set(before) == {"automod", "slow", "never", "twice", "panel", "labels", "pick"}
    assert before["automod"]["default_member_permissions"] == "32"
