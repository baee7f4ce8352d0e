"""The application behind a bot."""

from typing import Any

from astero_sandbox.discord import errors, models
from astero_sandbox.discord.payloads import people as wire

from .forms import FormCheck
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
    check = FormCheck()
    check.number("flags", form.get("flags"), minimum=0, maximum=(1 << 53) - 1)
    check.string("description", form.get("description"), max_length=400)
    check.items("tags", form.get("tags"), maximum=5)
    check.done()
    app = call.bot
    if form.get("flags") is not None:
        app.flags = app.flags & ~models.ALL_INTENTS_ALLOWED | (form["flags"] & models.ALL_INTENTS_ALLOWED)
    if "description" in form:
        app.description = form["description"] or ""
    if "tags" in form:
        app.tags = [str(tag) for tag in form["tags"] or ()]
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
