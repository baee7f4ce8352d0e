"""Refusals, in Discord's own shape for bots and as problem JSON for the control API."""

from typing import Any

FormErrors = dict[str, Any]

# https://discord.com/developers/docs/topics/opcodes-and-status-codes#json
MESSAGES = {
    0: "404: Not Found",
    10002: "Unknown Application",
    10003: "Unknown Channel",
    10004: "Unknown Guild",
    10007: "Unknown Member",
    10008: "Unknown Message",
    10011: "Unknown Role",
    10013: "Unknown User",
    10015: "Unknown Webhook",
    10026: "Unknown Ban",
    10062: "Unknown interaction",
    10063: "Unknown application command",
    20001: "Bots cannot use this endpoint",
    20012: "You are not authorized to perform this action on this application",
    30010: "Maximum number of reactions reached (20)",
    30032: "Maximum number of application commands reached (100).",
    40001: "Unauthorized",
    40007: "The user is banned from this guild.",
    40060: "Interaction has already been acknowledged.",
    50001: "Missing Access",
    50003: "Cannot execute action on a DM channel",
    50005: "Cannot edit a message authored by another user",
    50006: "Cannot send an empty message",
    50007: "Cannot send messages to this user",
    50013: "Missing Permissions",
    50016: "Provided too few or too many messages to delete. Must provide at least 2 and at most 100"
    " messages to delete.",
    50027: "Invalid Webhook Token",
    50028: "Invalid role",
    50033: "Invalid Recipient(s)",
    50034: "You can only bulk delete messages that are under 14 days old.",
    50035: "Invalid Form Body",
    50109: "The request body contains invalid JSON.",
}


class DiscordError(Exception):
    """Answered to a bot as `{code, message, errors?}`."""

    def __init__(
        self, status: int, code: int, *, message: str | None = None, errors: FormErrors | None = None
    ) -> None:
        self.status = status
        self.code = code
        self.message = message or MESSAGES[code]
        self.errors = errors
        super().__init__(f"{status} {code} {self.message}")

    def body(self) -> dict[str, Any]:
        body: dict[str, Any] = {"message": self.message, "code": self.code}
        if self.errors:
            body["errors"] = self.errors
        return body


class ControlError(Exception):
    """Answered to whoever plays the people, as an RFC 9457 problem."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        self.status = status
        self.code = code
        self.detail = detail
        super().__init__(detail)


def unknown(code: int) -> DiscordError:
    """404 with one of Discord's 10xxx codes."""
    return DiscordError(404, code)


def unauthorized() -> DiscordError:
    return DiscordError(401, 0, message="401: Unauthorized")


def not_found() -> DiscordError:
    return DiscordError(404, 0, message="404: Not Found")


def method_not_allowed() -> DiscordError:
    return DiscordError(405, 0, message="405: Method Not Allowed")


def missing_access() -> DiscordError:
    return DiscordError(403, 50001)


def missing_permissions() -> DiscordError:
    return DiscordError(403, 50013)


def invalid_form(errors: FormErrors) -> DiscordError:
    return DiscordError(400, 50035, errors=errors)


def field_error(code: str, message: str) -> FormErrors:
    """The leaf of an `errors` tree."""
    return {"_errors": [{"code": code, "message": message}]}
