"""Users, members and applications as Discord writes them."""

from astero_sandbox.discord.models import Application, Guild, Json, Member, User
from astero_sandbox.discord.snowflakes import iso


def user(record: User) -> Json:
    body: Json = {
        "id": str(record.id),
        "username": record.username,
        "avatar": None,
        "discriminator": "0000" if record.bot else "0",
        "public_flags": 0,
        "flags": 0,
        "global_name": record.global_name,
        "primary_guild": None,
        "avatar_decoration_data": None,
        "collectibles": None,
        "banner": None,
        "accent_color": None,
    }
    if record.bot:
        body["bot"] = True
    return body


def current_user(record: User, *, with_email: bool = False) -> Json:
    """`GET /users/@me`: a bot sees no address, a person who granted `email` does."""
    body = user(record)
    body |= {"mfa_enabled": False, "locale": record.locale, "premium_type": 0, "verified": True}
    body["email"] = record.email if with_email else None
    return body


def member(record: Member, person: User) -> Json:
    return member_without_user(record) | {"user": user(person)}


def member_without_user(record: Member) -> Json:
    """The part of a member that travels inside messages."""
    return {
        "avatar": None,
        "banner": None,
        "communication_disabled_until": None if record.timeout_until is None else iso(record.timeout_until),
        "flags": 0,
        "joined_at": iso(record.joined_at),
        "nick": record.nick,
        "pending": False,
        "premium_since": None,
        "roles": [str(role_id) for role_id in record.roles],
        "mute": False,
        "deaf": False,
    }


def partial_application(app: Application) -> Json:
    """What READY tells a bot about itself."""
    return {"id": str(app.id), "flags": app.flags}


def public_application(app: Application, bot: User) -> Json:
    return {
        "id": str(app.id),
        "name": app.name,
        "icon": None,
        "description": app.description,
        "type": None,
        "bot": user(bot),
        "summary": "",
        "bot_public": True,
        "bot_require_code_grant": False,
        "verify_key": app.public_key,
        "flags": app.flags,
        "flags_new": str(app.flags),
        "tags": app.tags,
    }


def private_application(app: Application, *, bot: User, owner: User, guilds: list[Guild]) -> Json:
    return public_application(app, bot) | {
        "owner": user(owner),
        "redirect_uris": app.redirect_uris,
        "interactions_endpoint_url": None,
        "role_connections_verification_url": None,
        "approximate_guild_count": len(guilds),
        "approximate_user_install_count": 0,
        "approximate_user_authorization_count": 0,
        "explicit_content_filter": 0,
        "team": None,
        "eligible_oauth2_scopes": [],
        "integration_types_config": {"0": {"oauth2_install_params": {"scopes": ["bot"], "permissions": "0"}}},
    }
