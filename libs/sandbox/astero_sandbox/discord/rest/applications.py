"""The application behind a bot."""

from typing import Any

from astero_sandbox.discord import errors, models
from astero_sandbox.discord.payloads import people as wire

from .routing import Call, route


@route("GET", "/oauth2/applications/@me")
@route("GET", "/applications/@me")
async def get_current_application(call: Call) -> Any:
    world = call.sandbox.world
    return wire.private_application(
        call.bot,
        bot=world.users[call.bot.id],
        owner=world.users[call.bot.owner_id],
        guilds=world.guilds_of(call.bot.id),
    )


@route("PATCH", "/applications/@me")
async def edit_current_application(call: Call) -> Any:
    """Only the limited intent flags can be set by the application itself."""
    form = call.form()
    app = call.bot
    if "flags" in form:
        app.flags = app.flags & ~models.ALL_INTENTS_ALLOWED | (
            int(form["flags"]) & models.ALL_INTENTS_ALLOWED
        )
    if "description" in form:
        app.description = str(form["description"])
    if "tags" in form:
        app.tags = [str(tag) for tag in form["tags"]]
    if form.get("interactions_endpoint_url"):
        # This Discord calls nobody back; a real one says the same of an address it cannot reach.
        raise errors.invalid_form(
            {
                "interactions_endpoint_url": errors.field_error(
                    "APPLICATION_INTERACTIONS_ENDPOINT_URL_INVALID",
                    "The specified interactions endpoint url could not be verified.",
                )
            }
        )
    call.sandbox.world.dirty = True
    return await get_current_application(call)
