"""Every audited action, `source:subject:verb`. A retired one stays here as a comment."""

from enum import StrEnum


class AuditAction(StrEnum):
    ACCOUNT_REGISTERED = "account:user:registered"
    ACCOUNT_RESTORED = "account:user:restored"
    ACCOUNT_SUSPENDED = "account:user:suspended"
    ACCOUNT_UPDATED = "account:user:updated"
    ADDRESS_CHANGED = "account:address:changed"
    ADDRESS_CHANGE_ASKED = "account:address:change_asked"
    ADDRESS_VERIFICATION_ASKED = "account:address:verification_asked"
    ADDRESS_VERIFIED = "account:address:verified"
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
    MFA_DISABLED = "mfa:totp:disabled"
    MFA_ENABLED = "mfa:totp:enabled"
    MFA_ENROLMENT_BEGUN = "mfa:totp:enrolment_begun"
    MFA_RECOVERY_CODES_RENEWED = "mfa:recovery_codes:renewed"
    MFA_RECOVERY_CODE_USED = "mfa:recovery_code:used"
    MFA_REFUSED = "mfa:code:refused"
    MODULE_RESTORED = "module:config:restored"
    MODULE_UPDATED = "module:config:updated"
    PASSWORD_CHANGED = "account:password:changed"  # noqa: S105 - the name of an action
    PASSWORD_RESET = "account:password:reset"  # noqa: S105 - as above
    PASSWORD_RESET_ASKED = "account:password:reset_asked"  # noqa: S105 - as above
    REGISTRATION_REPEATED = "account:user:registration_repeated"
    PASSKEY_ADDED = "passkey:passkey:added"
    PASSKEY_COPIED = "passkey:passkey:copied"
    PASSKEY_REMOVED = "passkey:passkey:removed"
    PASSKEY_RENAMED = "passkey:passkey:renamed"
    SESSION_ENDED = "session:session:ended"
    SESSION_REAUTHENTICATED = "session:session:reauthenticated"
    SESSION_REUSED = "session:token:reused"
    SESSION_STARTED = "session:session:started"
    WEBHOOK_CREATED = "webhook:endpoint:created"
    WEBHOOK_DELETED = "webhook:endpoint:deleted"
    WEBHOOK_DISABLED = "webhook:endpoint:disabled"
    WEBHOOK_REPLAYED = "webhook:delivery:replayed"
    WEBHOOK_SECRET_ROTATED = "webhook:secret:rotated"  # noqa: S105 - the name of an action
    WEBHOOK_TESTED = "webhook:endpoint:tested"
    WEBHOOK_UPDATED = "webhook:endpoint:updated"
