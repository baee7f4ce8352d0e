"""What the operator's command reads from the environment."""

import msgspec

from astero_shared.crypto.keyring import Keyring
from astero_shared.networks import Networks
from astero_shared.settings import DatabaseUrl, RedisUrl, Secret


class OperatorSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`database_url` is the login `astero_migrator`; `database_admin_url` a superuser, to make the roles.

    `encryption_key` is the services' own; with it the heads of audit chains are told from forged ones.
    """

    database_url: DatabaseUrl
    database_admin_url: DatabaseUrl | None = None
    astero_migrator_db_password: Secret | None = None
    astero_api_db_password: Secret | None = None
    astero_bot_engine_db_password: Secret | None = None
    astero_backup_db_password: Secret | None = None
    encryption_key: Keyring | None = None


class BanSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`redis_url` is the api's; what the other two name can never be shut out."""

    redis_url: RedisUrl
    own_networks: Networks = Networks()
    trusted_proxies: Networks = Networks()
