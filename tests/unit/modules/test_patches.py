"""Changes of settings: a merge patch is applied or refused with a pointer, whatever the object holds."""

import json
from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from astero_shared.errors import InvalidError
from astero_shared.features.automod.config import AutomodConfig
from astero_shared.features.cases.config import CasesConfig
from astero_shared.features.modules.catalog import MODULES
from astero_shared.features.modules.fields import list_fields
from astero_shared.features.modules.patches import (
    CODE,
    apply_patch,
    decode_stored,
    encode_config,
)
from astero_shared.features.modules.schema import module_schema
from astero_shared.problems import in_words


def refusal(body: bytes, config: msgspec.Struct | None = None) -> InvalidError:
    with pytest.raises(InvalidError) as caught:
        apply_patch(config or AutomodConfig(), json.loads(body))
    return caught.value


TEXT = "Expected a text of 1 to 60 characters."
ACTION = "Expected one of: delete, warn, timeout, kick, ban."
PERCENT = "Expected a whole number from 1 to 99."
ROLE = "Expected the id of a role, as a string of digits."
ROLES = "Expected a list of role ids, each a string of digits."
CONTROLS = "Line breaks and control characters are not possible here."
FORM = "This text has characters that are not possible here."


@pytest.mark.parametrize(
    ("body", "pointer", "detail"),
    [
        (b'{"x":1}', "/x", "There is no such setting."),
        (b'{"words":{"a/b~c":1}}', "/words/a~1b~0c", "There is no such setting."),
        (b'{"words":{"words":["a",1]}}', "/words/words/1", TEXT),
        (b'{"words":{"words":[""]}}', "/words/words/0", TEXT),
        (b'{"words":{"words":"a"}}', "/words/words", "Expected a list of texts."),
        (b'{"words":{"words":{"a":1}}}', "/words/words", "Expected a list of texts."),
        (b'{"words":{"words":["%s"]}}' % (b"a" * 61), "/words/words/0", TEXT),
        (b'{"words":[]}', "/words", "Expected an object with settings."),
        (b'{"words":{"enabled":1}}', "/words/enabled", "Expected true or false."),
        (b'{"words":{"action":"x"}}', "/words/action", ACTION),
        (b'{"words":{"action":[]}}', "/words/action", ACTION),
        (b'{"caps":{"percent":70.0}}', "/caps/percent", PERCENT),
        (b'{"caps":{"percent":"70"}}', "/caps/percent", PERCENT),
        (b'{"caps":{"percent":100}}', "/caps/percent", PERCENT),
        (b'{"caps":{"percent":1e999}}', "/caps/percent", PERCENT),
        (b'{"words":{"exemptRoles":[1]}}', "/words/exemptRoles/0", ROLE),
        (b'{"words":{"exemptRoles":"1"}}', "/words/exemptRoles", ROLES),
        (b'{"invites":{"allowedCodes":["a b"]}}', "/invites/allowedCodes/0", FORM),
        (b'{"words":{"words":["\\u0000"]}}', "/words/words/0", CONTROLS),
        (b'{"words":{"words":["\\ud800"]}}', "/words/words/0", CONTROLS),
        (b'{"words":{"\\ud800":1}}', "/words", CONTROLS),
    ],
)
def test_a_bad_change_is_refused_with_its_place_and_a_plain_sentence(
    body: bytes, pointer: str | None, detail: str
) -> None:
    error = refusal(body)
    assert (error.code, error.status) == (CODE, 422)
    assert (error.pointer, in_words(error, "en")) == (pointer, detail)


def test_nesting_is_refused_with_a_bounded_pointer() -> None:
    error = refusal(b'{"words":{"words":' + b"[" * 100 + b"]" * 100 + b"}}")
    assert error.pointer is not None
    assert len(error.pointer) <= 200
    deep = refusal(json.dumps({"words": {"x" * 10_000: 1}}).encode())
    assert deep.pointer is not None
    assert len(deep.pointer) <= 200


def test_too_many_entries_are_refused_at_the_list() -> None:
    error = refusal(json.dumps({"words": {"words": [str(n) for n in range(501)]}}).encode())
    assert (error.pointer, in_words(error, "en")) == ("/words/words", "At most 500 entries fit here.")


def test_a_refusal_speaks_the_readers_language() -> None:
    assert in_words(refusal(b'{"x": 1}'), "fr") == "Ce réglage n’existe pas."


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(), max_size=5), inner, max_size=4)
    ),
    max_leaves=8,
)


def is_unicode(value: Any) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def patches(module: str) -> st.SearchStrategy[dict[str, Any]]:
    """Merge patches that often name real settings and often hold nearly right values."""
    paths = [field.path.split(".") for field in list_fields(module, "en")]
    likely = st.one_of(
        JSON,
        st.sampled_from([True, False, 0, 1, 70, 40321, -1, 10**30, "ban", "timeout", "fr", "1", "0", [], {}]),
        st.lists(
            st.sampled_from(["a", "1", "example.com", "a*", "*", "(", "x" * 61, 1, None, ""]), max_size=4
        ),
    )

    @st.composite
    def build(draw: st.DrawFn) -> dict[str, Any]:
        patch: dict[str, Any] = {}
        for path in draw(st.lists(st.sampled_from(paths), max_size=4)):
            at = patch
            for name in path[:-1]:
                at = at.setdefault(name, {})
            at[path[-1]] = draw(likely)
        if draw(st.integers(0, 5)) == 0:
            patch |= draw(st.dictionaries(st.text(st.characters(), max_size=4), JSON, max_size=2))
        return patch

    return build()


@pytest.mark.parametrize("module", MODULES)
@given(data=st.data())
def test_any_patch_gives_valid_settings_or_one_kind_of_error(module: str, data: st.DataObject) -> None:
    patch = data.draw(patches(module))
    config = MODULES[module].default()
    try:
        changed = apply_patch(config, patch)
    except InvalidError as error:
        # What cannot be answered as JSON would be a 500 after all.
        msgspec.json.encode([in_words(error, "en"), error.pointer])
        assert error.code == CODE  # noqa: PT017 (both ways are right here)
        return
    stored = encode_config(changed)
    jsonschema.Draft202012Validator(module_schema(module)).validate(stored)
    assert json.loads(json.dumps(stored)) == stored
    assert decode_stored(type(config), stored) == (changed, ())
    assert apply_patch(changed, {}) == changed
    assert apply_patch(changed, stored) == changed


@pytest.mark.parametrize("module", MODULES)
@given(data=st.data())
def test_null_brings_every_setting_back(module: str, data: st.DataObject) -> None:
    config = MODULES[module].default()
    try:
        changed = apply_patch(config, data.draw(patches(module)))
    except InvalidError:
        return
    assert apply_patch(changed, dict.fromkeys(encode_config(changed))) == config


def test_a_patch_leaves_the_rest_alone() -> None:
    first = apply_patch(AutomodConfig(), {"words": {"enabled": True, "words": ["spam"]}})
    second = apply_patch(first, {"words": {"action": "warn"}, "links": {"enabled": True}})
    assert second.words.words == ("spam",)
    assert second.words.enabled
    assert second.words.action == "warn"
    # RFC 7396: lists are replaced, never merged.
    assert apply_patch(second, {"words": {"words": ["ham"]}}).words.words == ("ham",)
    assert apply_patch(second, {"words": {"words": None}}).words.words == ()


def test_a_change_is_judged_together_with_what_stands() -> None:
    endless = apply_patch(AutomodConfig(), {"words": {"action": "ban", "durationMinutes": 0}})
    error = refusal(b'{"words":{"action":"timeout"}}', endless)
    assert error.pointer == "/words/durationMinutes"


def test_ids_are_strings_outside_and_numbers_inside() -> None:
    config = apply_patch(CasesConfig(), {"logChannel": "9007199254740993"})
    assert config.log_channel == 9007199254740993
    assert encode_config(config)["logChannel"] == "9007199254740993"


class TestSettingsFromAnOlderDefinition:
    def test_what_is_no_longer_known_or_allowed_stands_at_its_default(self) -> None:
        stored = encode_config(AutomodConfig()) | {"gone": {"enabled": True}}
        stored["caps"] = {"enabled": True, "percent": 100, "minLetters": 3, "old": 1}
        config, refused = decode_stored(AutomodConfig, stored)
        assert (config.caps.enabled, config.caps.percent, config.caps.min_letters) == (True, 70, 3)
        assert set(refused) == {"/gone", "/caps/old", "/caps/percent"}

    def test_one_bad_entry_does_not_cost_the_list(self) -> None:
        stored = {
            "words": {"enabled": True, "words": ["spam", "a*b", "ham"]},
            "patterns": {"patterns": ["(", "x"]},
        }
        config, refused = decode_stored(AutomodConfig, stored)
        assert config.words.words == ("spam", "ham")
        assert config.patterns.patterns == ("x",)
        assert set(refused) == {"/words/words/1", "/patterns/patterns/0"}

    def test_nothing_stored_is_changed(self) -> None:
        stored = {"words": {"words": ["a*b"]}, "gone": 1}
        before = json.dumps(stored)
        decode_stored(AutomodConfig, stored)
        assert json.dumps(stored) == before

    @pytest.mark.parametrize("module", MODULES)
    @given(data=st.data())
    def test_any_stored_object_can_be_read(self, module: str, data: st.DataObject) -> None:
        stored = data.draw(patches(module))
        # PostgreSQL stores no lone surrogate, so none can come back from it.
        assume(is_unicode(stored))
        config, _ = decode_stored(MODULES[module].config, stored)
        assert isinstance(config, MODULES[module].config)
