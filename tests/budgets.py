"""The size of the tree against its budgets: `make budgets`. Prints a table; fails if a budget is exceeded.

The budgets are in pyproject.toml, `[tool.budgets]`; only a decision record raises one. Lines are what `wc -l` counts.
A circle is a chain of imports that leads from a file back to itself, at run time or only for types.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterable
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parents[1]
_PACKAGE = ROOT / "plugins" / "ci_operators"
_STATIC = _PACKAGE / "pages" / "static"


def main() -> int:
    """Print each size beside its budget, and the circles; return 1 if a budget is exceeded."""
    budgets: dict[str, int] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["budgets"]
    circles = find_circles()
    sizes = measure() | {"import-circles": len(circles)}
    for name, size in sizes.items():
        word = "" if size <= budgets[name] else "  exceeded"
        sys.stdout.write(f"  {name:<16}{size:>8,} of {budgets[name]:>8,}{word}\n")
    for circle in circles:
        sys.stdout.write(f"  circle: {' -> '.join([*circle, circle[0]])}\n")
    return int(any(size > budgets[name] for name, size in sizes.items()))


def measure() -> dict[str, int]:
    """Return the size of each part of the tree that has a budget."""
    own_scripts = (path for path in _STATIC.rglob("*.js") if "vendor" not in path.relative_to(_STATIC).parts)
    at_root = [path for path in _PACKAGE.glob("*.py") if path.stem not in {"__init__", "__main__"}]
    return {
        "plugins": count_lines(_PACKAGE.rglob("*.py")),
        "javascript": count_lines(own_scripts),
        "include": count_lines((ROOT / "include").rglob("*.py")),
        "tests": count_lines((ROOT / "tests").rglob("*.py")),
        "root-modules": len(at_root),
    }


def count_lines(paths: Iterable[Path]) -> int:
    """Return the number of lines of all these files."""
    return sum(path.read_bytes().count(b"\n") for path in paths)


def find_circles(*packages: str) -> list[tuple[str, ...]]:
    """Return the first circle of imports, by default in our packages; imports for types and in functions count."""
    graph = grimp.build_graph(*(packages or ("ci_operators", "local_airflow", "simulator")), cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in sorted(graph.modules)}
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as err:
        return [tuple(err.args[1][1:])]
    return []


if __name__ == "__main__":
    sys.exit(main())
