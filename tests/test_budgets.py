"""The script that measures the tree can fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import budgets

TYPES_ONLY = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from {package} import {other}\n"


@pytest.mark.parametrize(
    ("package", "text"),
    [
        ("circle_at_import", "from {package} import {other}\n"),
        ("circle_in_function", "def run() -> None:\n    import {package}.{other}\n"),
        ("circle_for_types", TYPES_ONLY),
    ],
)
def test_a_circle_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str, text: str) -> None:
    folder = tmp_path / package
    folder.mkdir()
    (folder / "__init__.py").touch()
    for name, other in (("first", "second"), ("second", "third"), ("third", "first")):
        (folder / f"{name}.py").write_text(text.format(package=package, other=other))
    monkeypatch.syspath_prepend(tmp_path)
    (circle,) = budgets.find_circles(package)
    assert set(circle) == {f"{package}.{name}" for name in ("first", "second", "third")}


def test_an_exceeded_budget_fails_and_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(budgets, "find_circles", list)
    for lines, status in ((1, 0), (10**9, 1)):
        sizes = dict.fromkeys(("plugins", "javascript", "include", "tests", "root-modules"), 0) | {"tests": lines}
        monkeypatch.setattr(budgets, "measure", lambda found=sizes: found)
        assert budgets.main() == status
        told = [line for line in capsys.readouterr().out.splitlines() if "exceeded" in line]
        assert [line.split()[0] for line in told] == ["tests"][:status]


def test_lines_are_counted_as_wc_does(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("one\ntwo\nthree")
    (tmp_path / "b.py").write_text("one\n")
    assert budgets.count_lines(tmp_path.glob("*.py")) == 3
    assert budgets.measure()["plugins"] > 1000
