"""The body of a message, whichever route it comes in by: checked as Discord does and normalised."""

from dataclasses import dataclass
from typing import Any, Final

from astero_sandbox.discord import errors
from astero_sandbox.discord.models import Attachment, Json
from astero_sandbox.discord.payloads.components import normalise_components
from astero_sandbox.discord.snowflakes import SnowflakeClock

from .component_form import check_components
from .embed_form import check_embeds
from .forms import FormCheck
from .routing import Call, Upload

CONTENT_MAX: Final = 2000
_NONCE_MAX: Final = 25
_FLAGS_MAX: Final = (1 << 31) - 1
_ATTACHMENTS_MAX: Final = 10
COMPONENTS_V2: Final = 1 << 15
# SUPPRESS_EMBEDS, EPHEMERAL, SUPPRESS_NOTIFICATIONS, IS_COMPONENTS_V2: what an application may set.
_SETTABLE_FLAGS: Final = 1 << 2 | 1 << 6 | 1 << 12 | COMPONENTS_V2


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageForm:
    given: Json
    uploads: list[Upload]

    @property
    def tts(self) -> bool:
        return bool(self.given.get("tts"))

    @property
    def nonce(self) -> str | int | None:
        return self.given.get("nonce")

    @property
    def enforce_nonce(self) -> bool:
        return bool(self.given.get("enforce_nonce"))

    @property
    def reference(self) -> Json | None:
        return self.given.get("message_reference")

    @property
    def allowed_mentions(self) -> Json | None:
        return self.given.get("allowed_mentions")

    @property
    def flags(self) -> int:
        return int(self.given.get("flags") or 0) & _SETTABLE_FLAGS

    def require_something(self) -> None:
        """50006 for a message with nothing in it."""
        parts = ("content", "embeds", "components", "sticker_ids", "poll")
        if not self.uploads and not any(self.given.get(part) for part in parts):
            raise errors.DiscordError(400, 50006)

    def changes(self, ids: SnowflakeClock) -> dict[str, Any]:
        """The fields of a Message that this body sets; absent ones stay as they are on an edit."""
        changes: dict[str, Any] = {}
        if "content" in self.given:
            changes["content"] = (self.given["content"] or "").strip()
        if "embeds" in self.given:
            changes["embeds"] = [{"type": "rich"} | item for item in self.given["embeds"] or []]
        if "components" in self.given:
            changes["components"] = normalise_components(self.given["components"] or [])
        if "flags" in self.given:
            changes["flags"] = self.flags
        if self.uploads:
            changes["attachments"] = [
                Attachment(
                    id=ids.next_id(),
                    filename=item.filename,
                    size=item.size,
                    content_type=item.content_type,
                )
                for item in self.uploads
            ]
        elif self.given.get("attachments") == []:
            changes["attachments"] = []
        return changes


def read_message_form(call: Call) -> MessageForm:
    return checked_message_form(call.form(), call.uploads)


def checked_message_form(given: Json, uploads: list[Upload]) -> MessageForm:
    """Raises 50035 naming every field that is wrong."""
    check = FormCheck()
    check.string("content", given.get("content"), max_length=CONTENT_MAX)
    check.number("flags", given.get("flags"), minimum=0, maximum=_FLAGS_MAX)
    if not isinstance(nonce := given.get("nonce"), int):
        check.string("nonce", nonce, max_length=_NONCE_MAX)
    check.items("attachments", given.get("attachments"), maximum=_ATTACHMENTS_MAX)
    check.optional_object("message_reference", given.get("message_reference"))
    _check_allowed_mentions(check, given.get("allowed_mentions"))
    check_embeds(check, given.get("embeds"))
    check.done()
    is_v2 = bool((given.get("flags") or 0) & COMPONENTS_V2)
    check_components(check, given.get("components"), is_v2=is_v2)
    if is_v2 and (given.get("content") or given.get("embeds")):
        check.fail(
            "content",
            "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
            "The 'content' field cannot be used when using MessageFlags.IS_COMPONENTS_V2",
        )
    check.done()
    return MessageForm(given=given, uploads=uploads)


def _check_allowed_mentions(check: FormCheck, value: Any) -> None:
    allowed = check.optional_object("allowed_mentions", value)
    check.items("allowed_mentions.parse", allowed.get("parse"), maximum=3)
    for name in ("users", "roles"):
        for item in check.items(f"allowed_mentions.{name}", allowed.get(name), maximum=100):
            if not str(item).isdigit():
                check.fail(
                    f"allowed_mentions.{name}", "NUMBER_TYPE_COERCE", f'Value "{item}" is not snowflake.'
                )
