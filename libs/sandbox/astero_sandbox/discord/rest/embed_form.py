"""Limits of embeds: https://discord.com/developers/docs/resources/message#embed-object-embed-limits."""

from typing import Any, Final

from .forms import FormCheck

_EMBEDS: Final = 10
_FIELDS: Final = 25
_TOTAL: Final = 6000
_COLOR_MAX: Final = 0xFFFFFF


def check_embeds(check: FormCheck, embeds: Any) -> None:
    total = 0
    for index, embed in enumerate(check.objects("embeds", embeds, maximum=_EMBEDS)):
        total += _check_embed(check, f"embeds.{index}", embed)
    if total > _TOTAL:
        check.fail(
            "embeds",
            "MAX_EMBED_SIZE_EXCEEDED",
            f"Embed size exceeds maximum size of {_TOTAL}",
        )


def _check_address(check: FormCheck, path: str, value: Any) -> None:
    if name_is_picture := isinstance(value, dict):
        value = value.get("url")
    schemes = ("http://", "https://", "attachment://") if name_is_picture else ("http://", "https://")
    if value is not None and not (isinstance(value, str) and value.startswith(schemes)):
        check.fail(
            path,
            "URL_TYPE_INVALID_SCHEME",
            f"Scheme \"{value}\" is not supported. Scheme must be one of ('http', 'https').",
        )


def _check_embed(check: FormCheck, path: str, embed: dict[str, Any]) -> int:
    texts: list[Any] = []

    def text(name: str, value: Any, limit: int, *, required: bool = False) -> None:
        check.string(f"{path}.{name}", value, max_length=limit, required=required)
        texts.append(value)

    text("title", embed.get("title"), 256)
    text("description", embed.get("description"), 4096)
    check.number(f"{path}.color", embed.get("color"), minimum=0, maximum=_COLOR_MAX)
    text("footer.text", check.optional_object(f"{path}.footer", embed.get("footer")).get("text"), 2048)
    text("author.name", check.optional_object(f"{path}.author", embed.get("author")).get("name"), 256)
    fields = check.objects(f"{path}.fields", embed.get("fields"), maximum=_FIELDS)
    for number, item in enumerate(fields):
        text(f"fields.{number}.name", item.get("name"), 256, required=True)
        text(f"fields.{number}.value", item.get("value"), 1024, required=True)
    for name in ("url", "image", "thumbnail"):
        _check_address(check, f"{path}.{name}", embed.get(name))
    return sum(len(item) for item in texts if isinstance(item, str))
