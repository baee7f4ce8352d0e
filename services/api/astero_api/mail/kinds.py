"""Every kind of letter: what its sentences are filled with, where its button leads, how long it is news.

The sentences stand in the catalogue under `mail.<kind>`: subject, body and, with a page, action.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final


class MailKind(StrEnum):
    VERIFY_ADDRESS = "verify_address"
    ADDRESS_IN_USE = "address_in_use"
    RESET_PASSWORD = "reset_password"  # noqa: S105 - the name of a letter
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - as above
    ADDRESS_CHANGE_CONFIRM = "address_change_confirm"
    ADDRESS_CHANGED = "address_changed"
    NEW_DEVICE = "new_device"
    SESSION_THEFT = "session_theft"
    MFA_ENABLED = "mfa_enabled"
    MFA_DISABLED = "mfa_disabled"
    RECOVERY_CODE_USED = "recovery_code_used"
    PASSKEY_ADDED = "passkey_added"
    PASSKEY_COPIED = "passkey_copied"
    PASSKEY_REMOVED = "passkey_removed"
    DISCORD_CONNECTED = "discord_connected"
    DISCORD_DISCONNECTED = "discord_disconnected"
    WEBHOOK_DISABLED = "webhook_disabled"
    ACCOUNT_SUSPENDED = "account_suspended"


@dataclass(frozen=True, slots=True)
class Form:
    """`details` are the blanks of its body; one with a `page` also needs `token`, the link's secret.

    After `useful` it is not sent any more: a link would be dead, a notice late news.
    """

    details: frozenset[str] = frozenset()
    page: str | None = None
    useful: timedelta = timedelta(days=2)

    @property
    def needed(self) -> frozenset[str]:
        return self.details | {"token"} if self.page is not None else self.details


VERIFY_LIFETIME: Final = timedelta(hours=24)
RESET_LIFETIME: Final = timedelta(minutes=30)
ADDRESS_CHANGE_LIFETIME: Final = timedelta(hours=1)

FORMS: Final[dict[MailKind, Form]] = {
    MailKind.VERIFY_ADDRESS: Form(page="/account/verify", useful=VERIFY_LIFETIME),
    MailKind.ADDRESS_IN_USE: Form(),
    MailKind.RESET_PASSWORD: Form(page="/account/reset", useful=RESET_LIFETIME),
    MailKind.PASSWORD_CHANGED: Form(),
    MailKind.ADDRESS_CHANGE_CONFIRM: Form(page="/account/address", useful=ADDRESS_CHANGE_LIFETIME),
    MailKind.ADDRESS_CHANGED: Form(frozenset({"old", "new"})),
    MailKind.NEW_DEVICE: Form(frozenset({"device", "network"})),
    MailKind.SESSION_THEFT: Form(),
    MailKind.MFA_ENABLED: Form(),
    MailKind.MFA_DISABLED: Form(),
    MailKind.RECOVERY_CODE_USED: Form(frozenset({"left"})),
    MailKind.PASSKEY_ADDED: Form(frozenset({"name"})),
    MailKind.PASSKEY_COPIED: Form(frozenset({"name"})),
    MailKind.PASSKEY_REMOVED: Form(frozenset({"name"})),
    MailKind.DISCORD_CONNECTED: Form(frozenset({"name"})),
    MailKind.DISCORD_DISCONNECTED: Form(frozenset({"name"})),
    MailKind.WEBHOOK_DISABLED: Form(frozenset({"server", "host"})),
    MailKind.ACCOUNT_SUSPENDED: Form(),
}
