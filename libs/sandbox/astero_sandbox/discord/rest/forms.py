"""Field checks that collect Discord's `errors` tree and raise 50035 once, with everything wrong."""

from typing import Any

from astero_sandbox.discord import errors
from astero_sandbox.discord.errors import FormErrors, field_error


class FormCheck:
    """Paths are dotted: `embeds.0.title` becomes the nested tree Discord answers."""

    def __init__(self) -> None:
        self._errors: FormErrors = {}

    def fail(self, path: str, code: str, message: str) -> None:
        node = self._errors
        *parents, last = path.split(".")
        for part in parents:
            node = node.setdefault(part, {})
        node.setdefault(last, {}).setdefault("_errors", []).append(field_error(code, message)["_errors"][0])

    def done(self) -> None:
        if self._errors:
            raise errors.invalid_form(self._errors)

    def string(
        self, path: str, value: Any, *, max_length: int, min_length: int = 0, required: bool = False
    ) -> None:
        if value is None:
            if required:
                self.fail(path, "BASE_TYPE_REQUIRED", "This field is required")
            return
        if not isinstance(value, str):
            self.fail(path, "STRING_TYPE_CONVERT", "Could not interpret as string.")
        elif len(value) > max_length:
            self.fail(
                path,
                "BASE_TYPE_MAX_LENGTH",
                f"Must be {max_length} or fewer in length.",
            )
        elif len(value) < min_length:
            bounds = f"Must be between {min_length} and {max_length} in length."
            self.fail(path, "BASE_TYPE_BAD_LENGTH", bounds)

    def number(self, path: str, value: Any, *, minimum: int, maximum: int, required: bool = False) -> None:
        if value is None:
            if required:
                self.fail(path, "BASE_TYPE_REQUIRED", "This field is required")
            return
        if isinstance(value, bool) or not isinstance(value, int):
            self.fail(path, "NUMBER_TYPE_COERCE", f'Value "{value}" is not int.')
        elif value < minimum:
            self.fail(
                path,
                "NUMBER_TYPE_MIN",
                f"int value should be greater than or equal to {minimum}.",
            )
        elif value > maximum:
            self.fail(path, "NUMBER_TYPE_MAX", f"int value should be less than or equal to {maximum}.")

    def items(self, path: str, value: Any, *, maximum: int, minimum: int = 0) -> list[Any]:
        """The list itself, or an empty one where it is absent or wrong."""
        if value is None and not minimum:
            return []
        if not isinstance(value, list):
            self.fail(path, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
            return []
        if len(value) > maximum or len(value) < minimum:
            self.fail(
                path,
                "BASE_TYPE_BAD_LENGTH" if minimum else "BASE_TYPE_MAX_LENGTH",
                f"Must be between {minimum} and {maximum} in length."
                if minimum
                else f"Must be {maximum} or fewer in length.",
            )
            return []
        return value

    def objects(self, path: str, value: Any, *, maximum: int, minimum: int = 0) -> list[dict[str, Any]]:
        """A list of objects; whatever else is in it is complained about and left out."""
        found: list[dict[str, Any]] = []
        for index, item in enumerate(self.items(path, value, maximum=maximum, minimum=minimum)):
            if isinstance(item, dict):
                found.append(item)
            else:
                self.not_an_object(f"{path}.{index}")
        return found

    def optional_object(self, path: str, value: Any) -> dict[str, Any]:
        """The object, or an empty one where it is absent or wrong."""
        if value is not None and not isinstance(value, dict):
            self.not_an_object(path)
        return value if isinstance(value, dict) else {}

    def not_an_object(self, path: str) -> None:
        self.fail(path, "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")

    def permission_bits(self, path: str, value: Any) -> None:
        """Bit sets travel as strings of digits; numbers are taken as well."""
        if value is not None and not (isinstance(value, int | str) and str(value).isdigit()):
            self.fail(path, "NUMBER_TYPE_COERCE", f'Value "{value}" is not int.')

    def choice(self, path: str, value: Any, allowed: tuple[Any, ...]) -> None:
        if value not in allowed:
            self.fail(path, "BASE_TYPE_CHOICES", f"Value must be one of {set(allowed) or '{}'}.")
