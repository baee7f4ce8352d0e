"""Bots and servers put into the database as the engine would have left them."""

from uuid import UUID

import psycopg

from astero_shared.ids import new_id

GUILD = 1109000000000000001


def insert_bot(admin_url: str, owner: str, *, application_id: int = 1100000000000000001) -> UUID:
    """A running branded bot of the user."""
    bot_id = new_id()
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO bots (id, owner_user_id, kind, name, application_id, discord_user_id,"
            " desired_state, created_at, updated_at)"
            " VALUES (%s, %s, 'branded', 'Guard', %s, %s, 'running', now(), now())",
            [bot_id, owner, application_id, application_id],
        )
    return bot_id


def insert_installation(admin_url: str, bot_id: UUID, guild_id: int = GUILD) -> UUID:
    """The bot is in the server, nothing is configured."""
    installation_id = new_id()
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO installations (id, bot_id, guild_id, guild_name, guild_owner_id, member_count,"
            " present, joined_at) VALUES (%s, %s, %s, 'Reef', 1, 3, true, now())",
            [installation_id, bot_id, guild_id],
        )
    return installation_id
