"""What holds for every hosted bot, without asking anybody."""

from typing import Final
from urllib.parse import urlencode, urlsplit

from astero_shared.features.bots.tables import Bot

# What moderating needs and no more: View Channels, Send Messages, Embed Links, Attach Files, Read Message
# History, Manage Messages, Kick Members, Ban Members, Moderate Members.
INVITE_PERMISSIONS: Final = sum(1 << bit for bit in (10, 11, 14, 15, 16, 13, 1, 2, 40))


def invite_url(bot: Bot, *, api_url: str, guild_id: int | None = None) -> str | None:
    """Discord's page that adds the bot to a server, with the permissions it needs."""
    if bot.application_id is None:
        return None
    parts = urlsplit(api_url)
    query = {
        "client_id": str(bot.application_id),
        "scope": "bot applications.commands",
        "permissions": str(INVITE_PERMISSIONS),
    }
    if guild_id is not None:
        query["guild_id"] = str(guild_id)
    return f"{parts.scheme}://{parts.netloc}/oauth2/authorize?{urlencode(query)}"
