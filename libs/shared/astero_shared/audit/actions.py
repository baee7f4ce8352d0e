"""Every audited action, `source:subject:verb`. A retired one stays here as a comment."""

from enum import StrEnum


class AuditAction(StrEnum):
    ACCOUNT_REGISTERED = "account:user:registered"
    BOT_CREATED = "bot:bot:created"
    BOT_UPDATED = "bot:bot:updated"
    BOT_REMOVED = "bot:bot:removed"
    BOT_STARTED = "bot:bot:started"
    BOT_STOPPED = "bot:bot:stopped"
    BOT_TOKEN_REPLACED = "bot:token:replaced"  # noqa: S105 - the name of an action
    CASE_EDITED = "case:case:edited"
    CASE_OPENED = "case:case:opened"
    DISCORD_CONNECTED = "account:discord:connected"
    GUILD_JOINED = "installation:guild:joined"
    GUILD_PURGED = "installation:guild:purged"
    GUILD_REMOVED = "installation:guild:removed"
    GUILD_RESTORED = "installation:guild:restored"
    MODULE_RESTORED = "module:config:restored"
    MODULE_UPDATED = "module:config:updated"
    SESSION_ENDED = "session:session:ended"
    SESSION_REAUTHENTICATED = "session:session:reauthenticated"
    SESSION_REUSED = "session:token:reused"
    SESSION_STARTED = "session:session:started"
