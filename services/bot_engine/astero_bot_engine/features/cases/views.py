"""What people see of a case: the embed in the log channel and the direct message to the member."""

from collections.abc import Sequence
from typing import Final

import discord

from astero_bot_engine.features.cases.actions import timeout_ends
from astero_bot_engine.interactions.durations import say_duration, timestamp
from astero_bot_engine.interactions.failures import failure_text
from astero_shared.clock import utc_now
from astero_shared.features.cases.tables import Case
from astero_shared.i18n import Locale, text

# Discord: an embed field's value has at most 1024 characters.
MAX_FIELD: Final = 1024
_COLOURS: Final = {
    "note": 0x5865F2,
    "warn": 0xFEE75C,
    "delete": 0x99AAB5,
    "timeout": 0xE67E22,
    "kick": 0xED4245,
    "ban": 0x992D22,
    "unban": 0x57F287,
    "purge": 0x99AAB5,
}


def moderator_text(case: Case, locale: Locale) -> str:
    if case.source == "automod":
        return text("automod.log.name", locale)
    if case.source == "api":
        name = discord.utils.escape_markdown(case.moderator_name or case.moderator_id)
        return text("cases.log.dashboard", locale, name=name)
    return f"<@{case.moderator_id}>"


def target_text(case: Case) -> str:
    """A purge without a member is about a channel."""
    if case.action == "purge" and case.target_id == case.channel_id:
        return f"<#{case.target_id}>"
    name = discord.utils.escape_markdown(case.target_name or str(case.target_id))
    return f"<@{case.target_id}> ({name})"


def duration_text(case: Case, locale: Locale) -> str | None:
    if case.duration_seconds is None:
        return None
    duration = say_duration(case.duration_seconds, locale)
    if case.expires_at is None:
        return duration
    return text("cases.log.until", locale, duration=duration, time=timestamp(case.expires_at))


def case_embed(case: Case, locale: Locale, *, told: bool | None = None) -> discord.Embed:
    """For moderators: holds the internal note, so it is posted to the log channel or shown ephemerally.

    `told` is False when the direct message did not reach the member, None when none was sent.
    """
    embed = discord.Embed(
        title=text(
            "cases.log.title", locale, number=case.number, action=text(f"cases.actions.{case.action}", locale)
        ),
        colour=_COLOURS[case.action],
        timestamp=case.created_at,
    )
    if case.target_id != case.channel_id:
        _field(embed, text("cases.log.member", locale), target_text(case), inline=True)
    _field(embed, text("cases.log.moderator", locale), moderator_text(case, locale), inline=True)
    _field(embed, text("cases.log.duration", locale), duration_text(case, locale), inline=True)
    _field(embed, text("cases.log.reason", locale), case.reason or text("cases.log.no_reason", locale))
    if case.related:
        _field(embed, text("cases.log.related", locale), " ".join(f"#{number}" for number in case.related))
    _field(embed, text("cases.log.internal_note", locale), case.internal_note)
    if case.channel_id is not None:
        _field(embed, text("cases.log.channel", locale), _place(case, locale))
    if case.failure is not None:
        _field(embed, text("cases.log.not_done", locale), failure_text(case.failure, locale))
    if told is False:
        embed.set_footer(text=text("cases.log.not_told", locale))
    return embed


def notice_text(case: Case, server: str, locale: Locale, *, moderator: str | None) -> str:
    """The direct message to the member. Never the internal note."""
    name = discord.utils.escape_markdown(server)
    if case.action == "timeout":
        opening = text("cases.notices.timeout", locale, server=name, until=timestamp(timeout_ends(case)))
    elif case.action == "ban" and case.expires_at is not None:
        opening = text("cases.notices.ban_until", locale, server=name, until=timestamp(case.expires_at))
    else:
        opening = text(f"cases.notices.{case.action}", locale, server=name)
    lines = [opening]
    if case.reason:
        lines.append(text("cases.notices.reason", locale, reason=case.reason))
    if moderator is not None:
        lines.append(text("cases.notices.moderator", locale, moderator=moderator))
    return "\n".join(lines)


def list_embed(cases: Sequence[Case], locale: Locale) -> discord.Embed:
    """One line a case, newest first."""
    lines = [
        text(
            "cases.replies.line",
            locale,
            number=case.number,
            action=text(f"cases.actions.{case.action}", locale),
            member=target_text(case),
            time=timestamp(case.created_at),
        )
        for case in cases
    ]
    body = "\n".join(lines) or text("cases.replies.none", locale)
    return discord.Embed(title=text("cases.replies.title", locale), description=body, colour=0x5865F2)


def plain_embed(title: str, body: str) -> discord.Embed:
    return discord.Embed(title=title, description=body, timestamp=utc_now(), colour=0x99AAB5)


def _place(case: Case, locale: Locale) -> str:
    place = f"<#{case.channel_id}>"
    if case.message_id is None:
        return place
    # The message may be deleted; Discord then jumps to where it stood.
    link = f"https://discord.com/channels/{case.guild_id}/{case.channel_id}/{case.message_id}"
    return f"{place} · [{text('cases.log.message', locale)}]({link})"


def _field(embed: discord.Embed, name: str, value: str | None, *, inline: bool = False) -> None:
    if value:
        cut = value if len(value) <= MAX_FIELD else value[: MAX_FIELD - 1] + "…"
        embed.add_field(name=name, value=cut, inline=inline)
