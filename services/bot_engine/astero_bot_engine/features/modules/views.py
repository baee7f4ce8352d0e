"""The settings panel, drawn from the modules' own definitions: nothing about a setting is written here.

Every screen is a message without memory: the custom_id of each control names the module and the setting.
"""

from collections.abc import Sequence
from typing import Any, Final

import discord
import msgspec
from discord import SelectOption, ui
from msgspec import UNSET, UnsetType

from astero_bot_engine.interactions.replies import static_view
from astero_shared.features.modules.catalog import MODULES
from astero_shared.features.modules.fields import (
    Field,
    FieldKind,
    Group,
    find_field,
    list_groups,
    module_title,
    read_value,
)
from astero_shared.i18n import Locale, text

WORD: Final = "settings"
# Discord: a select has at most 25 options, an option's texts 100 characters, a text input 4000.
MAX_OPTIONS: Final = 25
MAX_INPUT: Final = 4000
_MAX_TEXT: Final = 100
_MAX_LABEL: Final = 45
_MAX_VALUE: Final = 300
# The group of the settings at the top of a module has no name of its own.
TOP: Final = "-"

Screen = tuple[discord.Embed, ui.View]
Item = ui.Item[ui.View]


def home_screen(locale: Locale) -> Screen:
    """Choose a module."""
    options = [SelectOption(label=module_title(name, locale), value=name) for name in MODULES]
    select = ui.Select[ui.View](
        custom_id=f"{WORD}:module", placeholder=text("settings_panel.choose_module", locale), options=options
    )
    return _embed(text("settings_panel.title", locale)), static_view(select)


def module_screen(module: str, config: msgspec.Struct, page: int, locale: Locale) -> Screen:
    """Choose a part of the module; one with a single part shows its settings at once."""
    groups = list_groups(module, locale)
    if len(groups) == 1:
        return group_screen(module, groups[0], config, 0, locale)
    options = [
        SelectOption(label=_cut(group.title), value=group.path or TOP, description=_cut(group.help) or None)
        for group in groups
    ]
    embed = _embed(module_title(module, locale))
    for group in groups:
        switch = next((field for field in group.fields if field.name == "enabled"), None)
        if switch is not None:
            embed.add_field(name=group.title, value=said_value(switch, config, locale))
    select = ui.Select[ui.View](
        custom_id=f"{WORD}:group:{module}",
        placeholder=text("settings_panel.choose_group", locale),
        options=_page_of(options, page),
    )
    turning = _turning(f"{WORD}:module:{module}", page, len(options), locale)
    return embed, static_view(select, *turning, _button(f"{WORD}:home", "back", locale))


def group_screen(module: str, group: Group, config: msgspec.Struct, page: int, locale: Locale) -> Screen:
    """Every setting of a part with its value; choose one to change it."""
    embed = _embed(group.title, group.help)
    shown = _page_of(group.fields, page)
    for field in shown:
        embed.add_field(name=field.title, value=said_value(field, config, locale), inline=False)
    options = [
        SelectOption(label=_cut(field.title), value=field.name, description=_cut(field.help))
        for field in shown
    ]
    name = group.path or TOP
    select = ui.Select[ui.View](
        custom_id=f"{WORD}:field:{module}:{name}",
        placeholder=text("settings_panel.choose_field", locale),
        options=options,
    )
    several = len(list_groups(module, locale)) > 1
    back = _button(f"{WORD}:module:{module}:0" if several else f"{WORD}:home", "back", locale)
    turning = _turning(f"{WORD}:group:{module}:{name}", page, len(group.fields), locale)
    return embed, static_view(select, *turning, back)


def field_screen(
    module: str, field: Field, config: msgspec.Struct, locale: Locale, *, said: str | None = None
) -> Screen:
    """One setting and its control. `said` tells what the last change did."""
    embed = _embed(field.title, field.help)
    embed.add_field(name=text("settings_panel.now", locale), value=said_value(field, config, locale))
    if said is not None:
        embed.add_field(name="✅", value=said, inline=False)
    place = f"{module}:{field.path}"
    items = _control(place, field, read_value(config, field.path), embed, locale)
    if field.nullable:
        items.append(_button(f"{WORD}:clear:{place}", "clear", locale))
    back = _button(f"{WORD}:group:{module}:{field.group or TOP}:0", "back", locale)
    return embed, static_view(*items, back)


def edit_form(module: str, field: Field, value: Any, locale: Locale) -> ui.Modal | None:
    """The form of a number or a text; None for a list that is too long for it."""
    several = field.kind is FieldKind.STRINGS
    written = "\n".join(value) if several else str(value)
    if len(written) > MAX_INPUT:
        return None
    form = ui.Modal(title=_cut(field.title, _MAX_LABEL), custom_id=f"{WORD}:save:{module}:{field.path}")
    entry = ui.TextInput[ui.Modal](
        style=discord.TextStyle.paragraph if several else discord.TextStyle.short,
        custom_id="value",
        default=written,
        required=not several,
        max_length=MAX_INPUT if several else _longest(field),
    )
    help_ = text("settings_panel.one_per_line", locale) if several else field.help
    form.add_item(ui.Label(text=_cut(field.title, _MAX_LABEL), description=_cut(help_), component=entry))
    # As for views: a form that is finished is not kept in memory.
    form.stop()
    return form


def said_value(field: Field, config: msgspec.Struct, locale: Locale) -> str:
    """A setting's value as a reader sees it."""
    return say(field, read_value(config, field.path), locale)


def say(field: Field, value: Any, locale: Locale) -> str:
    if value is None or value in ("", []):
        return text("settings_panel.none", locale)
    match field.kind:
        case FieldKind.BOOLEAN:
            return text("settings_panel.on" if value else "settings_panel.off", locale)
        case FieldKind.CHOICE:
            return next(choice.label for choice in field.choices if choice.value == value)
        case FieldKind.CHANNEL | FieldKind.CHANNELS:
            return _joined([f"<#{one}>" for one in _several(value)])
        case FieldKind.ROLE | FieldKind.ROLES:
            return _joined([f"<@&{one}>" for one in _several(value)])
        case _:
            return _joined([_code(str(one)) for one in _several(value)])


def field_of(module: str, path: str, locale: Locale) -> Field | None:
    return find_field(module, path, locale) if module in MODULES else None


def group_of(module: str, name: str, locale: Locale) -> Group | None:
    if module not in MODULES:
        return None
    path = "" if name == TOP else name
    return next((group for group in list_groups(module, locale) if group.path == path), None)


# -- controls ---------------------------------------------------------------------------------------------


def _control(place: str, field: Field, value: Any, embed: discord.Embed, locale: Locale) -> list[Item]:
    word = f"{WORD}:set:{place}"
    many = _several(value)
    match field.kind:
        case FieldKind.BOOLEAN:
            return [
                _button(f"{word}:true", "on", locale, style=discord.ButtonStyle.success, disabled=value),
                _button(f"{word}:false", "off", locale, style=discord.ButtonStyle.danger, disabled=not value),
            ]
        case FieldKind.CHOICE:
            options = [
                SelectOption(label=_cut(choice.label), value=choice.value, default=choice.value == value)
                for choice in field.choices[:MAX_OPTIONS]
            ]
            return [ui.Select[ui.View](custom_id=word, options=options)]
        case FieldKind.CHANNEL | FieldKind.CHANNELS | FieldKind.ROLE | FieldKind.ROLES:
            if len(many) > MAX_OPTIONS:
                embed.set_footer(text=text("errors.modules.list_too_long", locale))
                return []
            return [_picker(word, field, many, locale)]
        case _:
            return [_button(f"{WORD}:edit:{place}", "edit", locale, style=discord.ButtonStyle.primary)]


def _picker(word: str, field: Field, chosen: list[str], locale: Locale) -> Item:
    single = field.kind in {FieldKind.CHANNEL, FieldKind.ROLE}
    most = 1 if single or isinstance(field.maximum, UnsetType) else min(field.maximum, MAX_OPTIONS)
    placeholder = text("settings_panel.pick", locale)
    if field.kind in {FieldKind.ROLE, FieldKind.ROLES}:
        return ui.RoleSelect[ui.View](
            custom_id=word,
            placeholder=placeholder,
            min_values=0,
            max_values=most,
            default_values=[discord.SelectDefaultValue(id=int(one), type=_ROLE) for one in chosen],
        )
    return ui.ChannelSelect[ui.View](
        custom_id=word,
        placeholder=placeholder,
        min_values=0,
        max_values=most,
        channel_types=_WRITABLE if single else _PLACES,
        default_values=[discord.SelectDefaultValue(id=int(one), type=_CHANNEL) for one in chosen],
    )


_ROLE: Final = discord.SelectDefaultValueType.role
_CHANNEL: Final = discord.SelectDefaultValueType.channel
_WRITABLE: Final = [discord.ChannelType.text, discord.ChannelType.news]
# An exemption may name whatever holds messages, or a whole category.
_PLACES: Final = [
    *_WRITABLE,
    discord.ChannelType.category,
    discord.ChannelType.forum,
    discord.ChannelType.voice,
    discord.ChannelType.stage_voice,
    discord.ChannelType.public_thread,
    discord.ChannelType.private_thread,
]


def _button(
    custom_id: str,
    key: str,
    locale: Locale,
    *,
    style: discord.ButtonStyle = discord.ButtonStyle.secondary,
    disabled: bool = False,
) -> Item:
    label = text(f"settings_panel.{key}", locale)
    return ui.Button[ui.View](label=label, custom_id=custom_id, style=style, disabled=disabled)


def _turning(prefix: str, page: int, entries: int, locale: Locale) -> list[Item]:
    """The buttons to other pages, where there is more than one."""
    buttons: list[Item] = []
    if page > 0:
        buttons.append(_button(f"{prefix}:{page - 1}", "previous", locale))
    if (page + 1) * MAX_OPTIONS < entries:
        buttons.append(_button(f"{prefix}:{page + 1}", "next", locale))
    return buttons


def _page_of(entries: Sequence[Any], page: int) -> list[Any]:
    return list(entries[page * MAX_OPTIONS : (page + 1) * MAX_OPTIONS])


def _embed(title: str, body: str | None = None) -> discord.Embed:
    return discord.Embed(title=title, description=body or None, colour=0x5865F2)


def _several(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [] if value is None else [value]


def _joined(parts: list[str]) -> str:
    joined = ", ".join(parts)
    if len(joined) <= _MAX_VALUE:
        return joined
    shown: list[str] = []
    for part in parts:
        if sum(map(len, shown)) + len(part) > _MAX_VALUE:
            break
        shown.append(part)
    return ", ".join([*shown, f"… ({len(parts)})"])


def _code(written: str) -> str:
    return "`" + written.replace("`", "'") + "`"


def _longest(field: Field) -> int:
    return field.maximum if field.kind is FieldKind.STRING and field.maximum is not UNSET else 10


def _cut(words: str, most: int = _MAX_TEXT) -> str:
    return words if len(words) <= most else words[: most - 1] + "…"
