"""POST /interactions/{id}/{token}/callback: the one answer within three seconds."""

from typing import Any, Final

from astero_sandbox.discord import errors
from astero_sandbox.discord.actions import messages as actions
from astero_sandbox.discord.interactions import answers
from astero_sandbox.discord.interactions.registry import Callback, Interaction, Kind
from astero_sandbox.discord.models import Json
from astero_sandbox.discord.payloads.components import normalise_components
from astero_sandbox.discord.payloads.messages import EPHEMERAL, LOADING
from astero_sandbox.discord.payloads.messages import message as message_payload

from .forms import FormCheck
from .message_form import MessageForm, checked_message_form
from .modal_form import check_modal
from .routing import Call, Reply, route

_CHOICES: Final = 25
_ALLOWED: Final = {
    Kind.COMMAND: (Callback.MESSAGE, Callback.DEFERRED_MESSAGE, Callback.MODAL),
    Kind.COMPONENT: (
        Callback.MESSAGE,
        Callback.DEFERRED_MESSAGE,
        Callback.DEFERRED_UPDATE,
        Callback.UPDATE,
        Callback.MODAL,
    ),
    Kind.AUTOCOMPLETE: (Callback.AUTOCOMPLETE,),
    Kind.MODAL_SUBMIT: (
        Callback.MESSAGE,
        Callback.DEFERRED_MESSAGE,
        Callback.DEFERRED_UPDATE,
        Callback.UPDATE,
    ),
}


@route(
    "POST",
    "/interactions/{interaction_id}/{token}/callback",
    auth="token",
    is_global=False,
)
async def answer_interaction(call: Call) -> Any:
    """10062 for a stranger or one answered too late, 40060 for one answered twice."""
    interaction = call.sandbox.interactions.find(call.path["token"])
    if interaction is None or interaction.id != call.id("interaction_id"):
        raise errors.unknown(10062)
    if interaction.callback is not None:
        raise errors.DiscordError(400, 40060)
    if not interaction.may_be_answered():
        raise errors.unknown(10062)
    kind, data = _checked(interaction, call.form())
    _answer(call, interaction, kind, data)
    interaction.callback = kind
    interaction.acknowledged.set()
    if call.query.get("with_response") not in ("true", "True", "1"):
        return None
    return Reply(200, _response(call, interaction))


def _checked(interaction: Interaction, form: Json) -> tuple[Callback, Json]:
    check = FormCheck()
    allowed = tuple(int(item) for item in _ALLOWED[interaction.kind])
    if interaction.source_message_id is None:
        allowed = tuple(item for item in allowed if item not in (6, 7))
    check.choice("type", form.get("type"), allowed)
    check.done()
    data = check.optional_object("data", form.get("data"))
    check.number("data.flags", data.get("flags"), minimum=0, maximum=(1 << 31) - 1)
    check.done()
    return Callback(form["type"]), data


def _answer(call: Call, interaction: Interaction, kind: Callback, data: Json) -> None:
    if kind == Callback.AUTOCOMPLETE:
        interaction.choices = _checked_choices(data)
    elif kind == Callback.MODAL:
        check_modal(data)
        modal = data | {"components": normalise_components(data["components"])}
        call.sandbox.interactions.open_modal(interaction, modal)
    elif kind == Callback.DEFERRED_MESSAGE:
        interaction.ephemeral = bool(int(data.get("flags") or 0) & EPHEMERAL)
        answers.respond(call.sandbox, interaction, {"flags": LOADING})
    elif kind in (Callback.MESSAGE, Callback.UPDATE):
        _answer_with_message(call, interaction, kind, _message_form(call, data))


def _message_form(call: Call, data: Json) -> MessageForm:
    return checked_message_form(data, call.uploads)


def _answer_with_message(call: Call, interaction: Interaction, kind: Callback, form: MessageForm) -> None:
    changes = form.changes(call.sandbox.world.ids)
    if kind == Callback.MESSAGE:
        form.require_something()
        interaction.ephemeral = bool(form.flags & EPHEMERAL)
        answers.respond(call.sandbox, interaction, changes, tts=form.tts, allowed=form.allowed_mentions)
        return
    channel = call.sandbox.world.channels[interaction.channel_id]
    source = channel.messages.get(interaction.source_message_id or 0)
    if source is None:
        raise errors.unknown(10008)
    changes.pop("flags", None)
    actions.edit_message(call.sandbox, source, changes, allowed=form.allowed_mentions)


def _checked_choices(data: Json) -> list[Json]:
    check = FormCheck()
    choices = check.objects("data.choices", data.get("choices"), maximum=_CHOICES)
    for index, choice in enumerate(choices):
        check.string(
            f"data.choices.{index}.name",
            choice.get("name"),
            min_length=1,
            max_length=100,
            required=True,
        )
    check.done()
    return choices


def _response(call: Call, interaction: Interaction) -> Json:
    """What `with_response` asks for."""
    body: Json = {
        "interaction": {
            "id": str(interaction.id),
            "type": int(interaction.kind),
            "channel_id": str(interaction.channel_id),
        }
    }
    if interaction.guild_id is not None:
        body["interaction"]["guild_id"] = str(interaction.guild_id)
    messages = call.sandbox.world.channels[interaction.channel_id].messages
    if interaction.response_id is not None:
        record = messages[interaction.response_id]
        body["interaction"] |= {
            "response_message_id": str(record.id),
            "response_message_loading": bool(record.flags & LOADING),
            "response_message_ephemeral": record.visible_to is not None,
        }
        if interaction.callback == Callback.MESSAGE:
            body["resource"] = {
                "type": int(Callback.MESSAGE),
                "message": message_payload(call.sandbox.world, record),
            }
    elif interaction.callback == Callback.UPDATE and interaction.source_message_id in messages:
        record = messages[interaction.source_message_id]
        body["resource"] = {
            "type": int(Callback.UPDATE),
            "message": message_payload(call.sandbox.world, record),
        }
    return body
