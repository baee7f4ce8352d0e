"""A bot's rows as one answer."""

from typing import Final

from astero_api.features.bots.schemas import BotOut, StatusOut, TokenOut
from astero_shared.features.bots.rules import invite_url
from astero_shared.features.bots.store import BotRows
from astero_shared.features.bots.tables import Bot, BotStatus
from astero_shared.i18n import Locale, has_text, text

_AVATARS: Final = "https://cdn.discordapp.com/avatars"


def render_status(bot: Bot, status: BotStatus | None, locale: Locale) -> StatusOut:
    """A bot that no engine has looked at yet is starting, or stopped as its owner wants."""
    state = "stopped" if bot.desired_state == "stopped" else "starting"
    reason, detail, since_at = None, {}, None
    if status is not None:
        state, reason, detail, since_at = status.state, status.reason, status.detail, status.since_at
    said = (
        f"states.{reason}"
        if reason is not None and has_text(f"states.{reason}", locale)
        else f"states.{state}"
    )
    return StatusOut(state=state, reason=reason, message=text(said, locale), detail=detail, since_at=since_at)


def render_bot(rows: BotRows, locale: Locale, *, api_url: str) -> BotOut:
    bot = rows.bot
    return BotOut(
        id=bot.id,
        kind=bot.kind,
        name=bot.name,
        application_id=_id(bot.application_id),
        discord_user_id=_id(bot.discord_user_id),
        avatar_url=_avatar_url(bot),
        invite_url=invite_url(bot, api_url=api_url),
        desired_state=bot.desired_state,
        token=TokenOut(set=rows.last4 is not None, last4=rows.last4, updated_at=rows.token_updated_at),
        status=render_status(bot, rows.status, locale),
        created_at=bot.created_at,
        updated_at=bot.updated_at,
    )


def _id(value: int | None) -> str | None:
    return None if value is None else str(value)


def _avatar_url(bot: Bot) -> str | None:
    if bot.avatar_hash is None or bot.discord_user_id is None:
        return None
    return f"{_AVATARS}/{bot.discord_user_id}/{bot.avatar_hash}.png"
