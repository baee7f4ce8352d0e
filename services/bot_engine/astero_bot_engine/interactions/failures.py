"""What went wrong with an interaction, as one sentence to the one who asked.

An expected refusal says what to do next. Anything else says sorry with a reference that stands in the log.
"""

from typing import Any, Final

import discord
from discord import app_commands
from loguru import logger
from sqlalchemy.exc import SQLAlchemyError

from astero_bot_engine.interactions.language import locale_of
from astero_bot_engine.interactions.replies import NOBODY, reply
from astero_shared.db.outages import is_away
from astero_shared.errors import AsteroError
from astero_shared.i18n import Locale, has_text, text
from astero_shared.ids import new_id
from astero_shared.problems import in_words

# Unknown interaction, and one that was answered already: too late, or a replay after a crash.
_NOT_OURS_ANY_MORE: Final = frozenset({10062, 40060})


async def tell(interaction: discord.Interaction[Any], error: BaseException) -> None:
    """Never raises: an answer that cannot be given is logged."""
    if isinstance(error, app_commands.CommandInvokeError):
        error = error.original
    if isinstance(error, discord.HTTPException) and error.code in _NOT_OURS_ANY_MORE:
        logger.info("interaction came too late", code=error.code, interaction=str(interaction.id))
        return
    sentence = explain(error, locale_of(interaction))
    try:
        if interaction.type is discord.InteractionType.application_command:
            await reply(interaction, sentence)
        elif interaction.response.is_done():
            # Beside the panel, which stays as it was.
            await interaction.followup.send(sentence, ephemeral=True, allowed_mentions=NOBODY)
        elif interaction.type is not discord.InteractionType.autocomplete:
            await interaction.response.send_message(sentence, ephemeral=True, allowed_mentions=NOBODY)
    except (discord.HTTPException, discord.ClientException, OSError) as failure:
        logger.warning("interaction not answered", error=type(failure).__name__)


def failure_text(code: str, locale: Locale) -> str:
    """Why something was not done at Discord, as one sentence; `code` as a case keeps it."""
    return text(f"errors.{code}", locale)


def explain(error: BaseException, locale: Locale) -> str:
    """The sentence for this error; logs what nobody expected."""
    if isinstance(error, AsteroError) and error.status < 500:  # noqa: PLR2004
        key = f"problems.{error.code}"
        return text(key, locale) if has_text(key, locale) else in_words(error, locale)
    if isinstance(error, SQLAlchemyError) and is_away(error):
        logger.warning("interaction without a database", error=type(error).__name__)
        return text("interactions.busy", locale)
    if isinstance(error, app_commands.CommandNotFound | app_commands.CommandSignatureMismatch):
        return text("errors.interactions.outdated", locale)
    reference = str(new_id())[-12:]
    logger.opt(exception=error).error("interaction failed", reference=reference)
    return text("interactions.failed", locale, reference=reference)
