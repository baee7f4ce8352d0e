"""Limits of embeds: https://discord.com/developers/docs/resources/message#embed-object-embed-limits."""

from typing import Any, Final

from .forms import FormCheck

_EMBEDS: Final = 10
_FIELDS: Final = 25
_TOTAL: Final = 6000
_COLOR_MAX: Final = 0xFFFFFF


def check_embeds(check: FormCheck, embeds: Any) -> None:
    total = 0
    for index, embed in enumerate(check.items("embeds", embeds, maximum=_EMBEDS)):
        path = f"embeds.{index}"
        if not isinstance(embed, dict):
            check.fail(path, "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")
            continue
        total += _check_embed(check, path, embed)
    if total > _TOTAL:
        check.fail(
            "embeds",
            "MAX_EMBED_SIZE_EXCEEDED",
            f"Embed size exceeds maximum size of {_TOTAL}",
        )


def _check_embed(check: FormCheck, path: str, embed: dict[str, Any]) -> int:
    texts: list[Any] = []

    def text(name: str, value: Any, limit: int, *, required: bool = False) -> None:
        check.string(f"{path}.{name}", value, max_length=limit, required=required)
        texts.append(value)

    text("title", embed.get("title"), 256)
    text("description", embed.get("description"), 4096)
    check.number(f"{path}.color", embed.get("color"), minimum=0, maximum=_COLOR_MAX)
    if isinstance(footer := embed.get("footer"), dict):
        text("footer.text", footer.get("text"), 2048)
    if isinstance(author := embed.get("author"), dict):
        text("author.name", author.get("name"), 256)
    fields = check.items(f"{path}.fields", embed.get("fields"), maximum=_FIELDS)
    for number, item in enumerate(fields):
        if isinstance(item, dict):
            text(f"fields.{number}.name", item.get("name"), 256, required=True)
            text(f"fields.{number}.value", item.get("value"), 1024, required=True)
    return sum(len(item) for item in texts if isinstance(item, str))
