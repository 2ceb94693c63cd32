"""YAML is read safely: no objects, and no text that expands far beyond its length."""

from __future__ import annotations

import pytest
import yaml

from ci_operators.yaml_text import DEEPEST, MOST_VALUES, DuplicateKeyError, read_yaml

#: Ten levels of ten aliases each: ten billion values in half a kilobyte.
BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]\n" for level in range(1, 10)
)
#: The same by merge keys, which are written out as soon as the text is read.
MERGE_BOMB = "a0: &a0 {x: 1, y: 2}\n" + "".join(
    f"a{level}: &a{level}\n  <<: [{', '.join([f'*a{level - 1}'] * 10)}]\n" for level in range(1, 10)
)
DEEP = {
    "list": "[" * 300_000 + "]" * 300_000,
    "mapping": "{a: " * 300_000,
    "sequence": "- " * 300_000,
}


def test_common_yaml_is_read() -> None:
    assert read_yaml(b"defaults: &d {a: 1, b: [x]}\none: {<<: *d, b: 2026-03-01}\ntwo: *d\n")["two"] == {
        "a": 1,
        "b": ["x"],
    }


def test_a_mapping_has_each_key_once_but_any_number_of_merge_keys() -> None:
    with pytest.raises(DuplicateKeyError, match="the key 'a' is in line 2 and again in line 4"):
        read_yaml(b"top:\n- {? [a]: a, a: a,\n  b: 1,\n  a: 2}\n")
    assert read_yaml(b"one: &a {x: 1}\ntwo: &b {x: 2, y: a}\nthree: {<<: *a, <<: *b, z: [x, x]}")["three"]["y"] == "a"
    assert read_yaml(b"one: &a {x: 1}\ntwo: {<<: *a, x: 2}\nthree: {x: 1}")["two"] == {"x": 2}


def test_a_long_file_with_anchors_is_read() -> None:
    text = "defaults: &d {a: 1}\nentries:\n" + "- {<<: *d, b: 2}\n" * 5000
    assert read_yaml(text.encode())["entries"] == [{"a": 1, "b": 2}] * 5000


@pytest.mark.parametrize("tag", ["!!python/object/apply:os.system ['true']", "!!python/name:os.system", "!x y"])
def test_no_object_is_created(tag: str) -> None:
    with pytest.raises(yaml.constructor.ConstructorError):
        read_yaml(f"a: {tag}".encode())


@pytest.mark.parametrize("text", [BOMB, MERGE_BOMB], ids=["aliases", "merge keys"])
def test_aliases_cannot_exhaust_the_memory(text: str) -> None:
    assert len(text) < 1000
    with pytest.raises(ValueError, match=f"its aliases expand to more than {MOST_VALUES} values"):
        read_yaml(text.encode())


def test_an_alias_inside_of_itself_is_refused() -> None:
    with pytest.raises(ValueError, match=r"the alias \*a is inside the value that it refers to"):
        read_yaml(b"a: &a [*a]")


def test_an_undefined_alias_is_refused() -> None:
    with pytest.raises(yaml.YAMLError):
        read_yaml(b"a: *b")


@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP)
def test_deep_nesting_is_refused_before_the_stack_is_full(text: str) -> None:
    with pytest.raises(ValueError, match=f"it is nested deeper than {DEEPEST} levels"):
        read_yaml(text.encode())
