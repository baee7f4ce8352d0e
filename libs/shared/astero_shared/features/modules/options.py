"""The building blocks of a module's settings, so that every module names the same thing the same way."""

from typing import Annotated

from msgspec import Meta

from astero_shared.ids import Snowflake

# The marker tells the panel and the dashboard which picker to draw; Discord's ids look alike.
ChannelId = Annotated[Snowflake, Meta(extra_json_schema={"x-astero": "channel"})]
RoleId = Annotated[Snowflake, Meta(extra_json_schema={"x-astero": "role"})]


class OptionError(ValueError):
    """A value of the right type that a setting refuses, said by `sentence` and `params` as an error's is.

    `path` leads from the Struct that raises to the field, in JSON names: `("words", 3)`.
    """

    def __init__(self, path: tuple[str | int, ...], sentence: str, **params: object) -> None:
        super().__init__(sentence)
        self.path = path
        self.sentence = sentence
        self.params = params
