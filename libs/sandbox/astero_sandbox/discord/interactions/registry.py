"""The interactions of the last quarter of an hour, their tokens and what was answered."""

import asyncio
import secrets
import time
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from astero_sandbox.discord.models import Json

ANSWER_SECONDS: Final = 3.0
TOKEN_SECONDS: Final = 900.0


class Kind(IntEnum):
    COMMAND = 2
    COMPONENT = 3
    AUTOCOMPLETE = 4
    MODAL_SUBMIT = 5


class Callback(IntEnum):
    MESSAGE = 4
    DEFERRED_MESSAGE = 5
    DEFERRED_UPDATE = 6
    UPDATE = 7
    AUTOCOMPLETE = 8
    MODAL = 9


@dataclass(slots=True, kw_only=True)
class Interaction:
    """`source_message_id` is the message whose component was used, `response_id` the bot's answer,
    `opened_by` the interaction that opened the modal submitted here.
    """

    id: int
    kind: Kind
    application_id: int
    user_id: int
    channel_id: int
    guild_id: int | None
    source_message_id: int | None = None
    opened_by: "Interaction | None" = None
    token: str = field(default_factory=lambda: f"aW50ZXJhY3Rpb246{secrets.token_urlsafe(72)}")
    created_at: float = field(default_factory=time.monotonic)
    callback: Callback | None = None
    ephemeral: bool = False
    response_id: int | None = None
    modal: Json | None = None
    choices: list[Json] | None = None
    followup_ids: list[int] = field(default_factory=list)
    acknowledged: asyncio.Event = field(default_factory=asyncio.Event)
    completed: asyncio.Event = field(default_factory=asyncio.Event)

    def may_be_answered(self) -> bool:
        return time.monotonic() - self.created_at <= ANSWER_SECONDS

    def has_expired(self) -> bool:
        return time.monotonic() - self.created_at > TOKEN_SECONDS


class Interactions:
    def __init__(self) -> None:
        self._by_token: dict[str, Interaction] = {}
        self._modals: dict[tuple[int, int, str], Interaction] = {}

    def add(self, interaction: Interaction) -> None:
        while self._by_token:
            oldest = next(iter(self._by_token.values()))
            if not oldest.has_expired():
                break
            del self._by_token[oldest.token]
            if oldest.modal is not None:
                self._modals.pop(_modal_key(oldest, oldest.modal), None)
        self._by_token[interaction.token] = interaction

    def find(self, token: str) -> Interaction | None:
        """Also an expired one; what that means depends on the route."""
        return self._by_token.get(token)

    def open_modal(self, interaction: Interaction, modal: Json) -> None:
        """A person sees one modal of a kind at a time; opening it again replaces it."""
        interaction.modal = modal
        self._modals[_modal_key(interaction, modal)] = interaction

    def take_modal(self, *, user_id: int, application_id: int, custom_id: str) -> Interaction | None:
        """The interaction that opened it; submitting closes the modal."""
        return self._modals.pop((user_id, application_id, custom_id), None)


def _modal_key(interaction: Interaction, modal: Json) -> tuple[int, int, str]:
    return (interaction.user_id, interaction.application_id, str(modal["custom_id"]))
