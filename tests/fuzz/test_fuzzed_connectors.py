"""Any connectors.yaml: one sentence for each wrong entry, and the other connectors load."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from ci_operators.connectors_file import load_connectors
from tests.fuzz.choices import Choices
from tests.fuzz.conftest import Fuzz
from tests.fuzz.damage import AGAIN, damage
from tests.fuzz.errors import check_plain, expect_own_errors
from tests.fuzz.odd import Raw

GOOD: tuple[dict[str, Any], ...] = (
    {"name": "first", "source": "okta", "debug": False, "update_frequency": "1 hour", "private_addresses": "drop"},
    {
        "name": "second",
        "source": "sentinelone",
        "only_analyst_verified": True,
        "site_ids": ["1"],
        "verified_floor": "9 days",
    },
    {"name": "third", "source": "okta", "organization_ids": ["uhash:a"], "max_window": "2 days", "batch_size": 10},
)
REST: dict[str, Any] = {
    "destinations": {"recorded_future_default": {"daily_limit": 15000, "reserved_share": 0.2}},
    "retention": {"artifacts": "30 days", "ledger": "400 days"},
}
#: Pieces of YAML that are inserted somewhere into a file.
PIECES = (
    b"&a [*a]", b"&a {x: *a}", b"<<: *nobody\n", b"!!python/object/apply:os.system ['true']", b"!!timestamp x",
    b"2026-13-45", b"!!int x", b"!!binary x", b"!!set {a, b}", b"? [a, b]\n: c\n", b"%YAML 9.9\n---\n", b"---\n",
    b"\x00", b"\xff\xfe", b"\t", b"[" * 2000, b"{" * 2000, b"- " * 2000, b"0x", b"1_0:59:59", b".nan", b"|+9\n",
    b'"\\ud800"', b"'", b"*a", b"\xe2\x80\xa8",
)  # fmt: skip


def test_connectors(fuzz: Fuzz, tmp_path: Path) -> None:
    fuzz("connectors", lambda choices: run_connectors(choices, tmp_path / "connectors.yaml"), 0.5)


def run_connectors(choices: Choices, path: Path) -> str:
    """Return the outcome of a file with one damaged entry, or damaged anywhere."""
    is_text_damaged = choices.happens(2)
    bad = _plain(damage(choices.pick(GOOD), choices))
    entries = (
        [*GOOD[:2], bad, GOOD[2]] if isinstance(bad, dict) and bad.get("name") != GOOD[2]["name"] else [*GOOD, bad]
    )
    content: Any = {"connectors": entries, **REST}
    text = yaml.safe_dump(content, allow_unicode=choices.happens(2)).encode("utf-8", "surrogatepass")
    if is_text_damaged:
        for _ in range(choices.below(3) + 1):
            position = choices.below(len(text) + 1)
            text = text[:position] + choices.pick(PIECES) + text[position + choices.below(20) :]
    path.write_bytes(text)
    return _load(path, is_text_damaged=is_text_damaged)


def _load(path: Path, *, is_text_damaged: bool) -> str:
    found: list[Any] = []
    error = expect_own_errors(lambda: found.append(load_connectors(path)))
    if error is not None:
        assert is_text_damaged, "one wrong entry makes the whole file unreadable"
        return error
    for problem in found[0].problems:
        check_plain(problem)
        assert problem.startswith(str(path)), problem
        assert len(problem) < 2000, f"{len(problem)} characters of a problem"
    names = [connector.name for connector in found[0].connectors]
    assert len(set(names)) == len(names)
    if not is_text_damaged:
        missing = {entry["name"] for entry in GOOD} - set(names)
        assert not missing, f"{missing} are taken down by another's entry"
    return f"{len(names)} connectors, {len(found[0].problems)} problems"


def _plain(value: Any) -> Any:
    """Return the value with only what YAML can write."""
    if isinstance(value, Raw):
        return value.text.decode("latin-1")[:2000]
    if isinstance(value, dict):
        return {_plain(key.removeprefix(AGAIN)): _plain(child) for key, child in value.items()}
    if isinstance(value, list):
        return [_plain(child) for child in value]
    return value.encode("utf-8", "replace").decode()[:5000] if isinstance(value, str) else value
