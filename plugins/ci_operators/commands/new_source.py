"""`new-source`: creates a small source that works in a checkout of the project, as a start for a new one."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from ci_operators.commands.terminal import Terminal, sentence
from ci_operators.core.errors import ConfigurationError
from ci_operators.sources import SOURCES

#: The root of the checkout, unless the package is installed from a wheel.
ROOT = Path(__file__).parents[3]
TEMPLATE = Path("tests/sources/template")
#: Each registry, a text in it, and the text that replaces it.
_REGISTRIES = (
    ("plugins/ci_operators/sources/__init__.py", "SOURCES = (", 'SOURCES = ("{name}", '),
    (
        "include/simulator/vendors.py",
        "from simulator.faults import COMMON_FAULTS\n",
        "from simulator.faults import COMMON_FAULTS\nfrom simulator.{name}.api import {class_name}Tenant\n",
    ),
    ("include/simulator/vendors.py", "    for tenant in (\n", "    for tenant in (\n        {class_name}Tenant,\n"),
)


def run(options: argparse.Namespace, terminal: Terminal) -> int:
    """Write the files of a source and its lines in the registries, and print their paths."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", options.name) or options.name in SOURCES:
        raise ConfigurationError(f"{options.name[:40]!r} is not a new name. Use lowercase letters, digits, and _.")
    class_name = options.title.replace(" ", "")
    if not class_name.isidentifier():
        raise ConfigurationError(f"{options.title[:40]!r} is not a title. Use letters, digits, and spaces.")
    if not (ROOT / TEMPLATE).is_dir():
        raise ConfigurationError("new-source needs a checkout of the project: an installed package has no template.")
    words = {"name": options.name, "class_name": class_name}
    written = _copy_template(options.title, words)
    for path, before, after in _REGISTRIES:
        text = (ROOT / path).read_text(encoding="utf-8")
        (ROOT / path).write_text(text.replace(before, after.format(**words), 1), encoding="utf-8")
        written.append(path)
    files = sorted(set(written))
    follow = (
        "Then run: ruff check --fix, ruff format, PYTHONPATH=plugins:include python -m local_airflow.entries, "
        f"pytest tests/sources/{options.name}. Replace its facts one by one."
    )
    terminal.show({"written": files}, map(sentence, [*files, follow]))
    return 0


def _copy_template(title: str, words: dict[str, str]) -> list[str]:
    """Copy the template's files to their paths with the source's names; return the paths."""
    written = []
    for source in sorted(path for path in (ROOT / TEMPLATE).rglob("*") if path.is_file()):
        place = str(source.relative_to(ROOT / TEMPLATE)).replace("acme", words["name"])
        text = source.read_text(encoding="utf-8")
        text = (
            text.replace("Acme Cloud", title).replace("AcmeCloud", words["class_name"]).replace("acme", words["name"])
        )
        (ROOT / place).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / place).write_text(text, encoding="utf-8")
        written.append(place)
    return written
