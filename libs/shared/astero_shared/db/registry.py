"""Imports every table, so that one metadata knows them all: migrations and checks start here.

Indexes and CHECKs are written in the migrations, where their reason stands; tables and columns must agree.
"""

from sqlalchemy import MetaData
from sqlmodel import SQLModel

from astero_shared.audit import tables as audit
from astero_shared.features.accounts import tables as accounts
from astero_shared.features.bots import tables as bots
from astero_shared.features.cases import tables as cases
from astero_shared.features.discord_accounts import tables as discord_accounts
from astero_shared.features.fleet import tables as fleet
from astero_shared.features.installations import tables as installations
from astero_shared.features.mfa import tables as mfa
from astero_shared.features.modules import tables as modules
from astero_shared.features.passkeys import tables as passkeys
from astero_shared.features.sessions import tables as sessions
from astero_shared.features.webhooks import tables as webhooks
from astero_shared.mail import tables as mail

TABLE_MODULES = (
    accounts,
    audit,
    bots,
    cases,
    discord_accounts,
    fleet,
    installations,
    mail,
    mfa,
    modules,
    passkeys,
    sessions,
    webhooks,
)


def metadata() -> MetaData:
    return SQLModel.metadata
