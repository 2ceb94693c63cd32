"""Sphinx: `make docs` builds the site from the Markdown of the tree and from the DAGs' own documentation."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]

project = "Collective Insights connectors for Apache Airflow"
project_copyright = "The collective-insights-airflow authors"
root_doc = "docs/index"
include_patterns = ["*.md", "docs/**"]
extensions = ["myst_parser"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = "Collective Insights for Airflow"
html_show_sphinx = False


def write_source_pages(folder: Path) -> None:
    """Write a page for each source: the docstring of its DAG file, which Airflow shows too."""
    folder.mkdir(exist_ok=True)
    names = sorted(path.name for path in (ROOT / "plugins" / "ci_operators" / "sources").iterdir() if path.is_dir())
    for name in (name for name in names if not name.startswith("_")):
        text = ast.get_docstring(ast.parse((ROOT / "dags" / f"{name}.py").read_text(encoding="utf-8")))
        (folder / f"{name}.md").write_text(f"{text}\n", encoding="utf-8")
    (folder / "index.md").write_text("# Sources\n\n```{toctree}\n:glob:\n\n*\n```\n", encoding="utf-8")


write_source_pages(ROOT / "docs" / "sources")
