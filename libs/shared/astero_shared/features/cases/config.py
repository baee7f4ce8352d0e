"""Settings of the case log: where cases are shown, what the member is told, and in which language."""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from astero_shared.features.modules.options import ChannelId


class Language(StrEnum):
    """`auto` follows the server's own language in Discord, English where we have no translation."""

    AUTO = "auto"
    EN = "en"
    FR = "fr"


class CasesConfig(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    log_channel: Annotated[
        ChannelId | None,
        Meta(
            title="Log channel",
            description="Every case is posted here. Without a channel, cases are only listed.",
        ),
    ] = None
    notify_member: Annotated[
        bool,
        Meta(
            title="Tell the member",
            description="The member gets a direct message about a warning, timeout, kick or ban.",
        ),
    ] = True
    name_moderator: Annotated[
        bool,
        Meta(
            title="Name the moderator",
            description="The direct message to the member says who acted.",
        ),
    ] = False
    require_reason: Annotated[
        bool,
        Meta(
            title="Reason required",
            description="Moderators must give a reason with every action.",
        ),
    ] = False
    default_timeout_minutes: Annotated[
        int,
        Meta(
            ge=1,
            le=40320,
            title="Usual timeout in minutes",
            description="How long a timeout lasts when the moderator names no duration.",
        ),
    ] = 60
    language: Annotated[
        Language,
        Meta(
            title="Language",
            description="The language of the log channel and of messages to members.",
        ),
    ] = Language.AUTO
