"""A module's settings as the dashboard sees them."""

from datetime import datetime
from typing import Any

import msgspec

from astero_shared.features.modules.fields import Group


class ModuleOut(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a module is: `schema` is JSON Schema 2020-12 of its settings, `groups` what a form needs."""

    module: str
    title: str
    schema: dict[str, Any]
    groups: tuple[Group, ...]


class ModuleList(msgspec.Struct, frozen=True):
    items: tuple[ModuleOut, ...]


class SettingsOut(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`config` holds every setting; revision 0 means that nothing was ever changed."""

    module: str
    revision: int
    updated_at: datetime | None
    config: msgspec.Raw


class SettingsList(msgspec.Struct, frozen=True):
    items: tuple[SettingsOut, ...]


class ChangedBy(msgspec.Struct, frozen=True, kw_only=True):
    """`kind` is `user` (dashboard), `member` (Discord) or `system`."""

    kind: str
    id: str
    name: str | None


class RevisionOut(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    revision: int
    created_at: datetime
    actor: ChangedBy
    config: msgspec.Raw


class RevisionPage(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Newest first."""

    items: tuple[RevisionOut, ...]
    next_cursor: str | None
