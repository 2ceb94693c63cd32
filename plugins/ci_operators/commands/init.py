"""`init`: writes the files that Airflow needs in addition to the installed package into a folder."""

from __future__ import annotations

import argparse
from pathlib import Path

from ci_operators.commands.terminal import Terminal, sentence
from ci_operators.connectors_file import VARIABLE
from ci_operators.core.errors import ConfigurationError

#: The files in a wheel, where setup.py puts them.
STARTER = Path(__file__).parents[1] / "starter"
#: The files in a checkout of the project.
ROOT = Path(__file__).parents[3]
CONNECTORS, CONNECTIONS = "connectors.yaml", "connections.example.json"
FILES = (CONNECTORS, "connectors.schema.json", CONNECTIONS)


def run(options: argparse.Namespace, terminal: Terminal) -> int:
    """Write the files, and print the next steps."""
    folder = Path(options.folder).absolute()
    files = find_files()
    existing = [name for name in files if (folder / name).exists()]
    if existing and not options.force:
        raise ConfigurationError(
            f"{folder} already has {', '.join(existing)}. Nothing was written. "
            "Choose another folder, or overwrite them with --force."
        )
    try:
        for name, source in files.items():
            _write(folder / name, source.read_bytes())
    except OSError as err:
        raise ConfigurationError(f"Cannot write the files to {folder} ({err.strerror}).") from err
    terminal.show({"folder": str(folder), "written": list(files)}, map(sentence, [*files, *_name_next_steps(folder)]))
    return 0


def find_files() -> dict[str, Path]:
    """Return the files to write by their names in the folder. Raises ConfigurationError if they are missing."""
    is_packed = STARTER.is_dir()
    dags, others = (STARTER / "dags", STARTER) if is_packed else (ROOT / "dags", ROOT / "include")
    files = {f"dags/{path.name}": path for path in sorted(dags.glob("*.py"))}
    files |= {name: others / name for name in FILES}
    if not all(path.is_file() for path in files.values()):
        raise ConfigurationError(
            "init needs the installed package or a checkout of the project. A copy of plugins/ does not have the files."
        )
    return files


def _write(path: Path, content: bytes) -> None:
    """Write a file. Only its owner can read that of the Connections, because people enter tokens there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600 if path.name == CONNECTIONS else 0o666)
    path.write_bytes(content)


def _name_next_steps(folder: Path) -> list[str]:
    return [
        f"1. Edit {folder / CONNECTORS}: keep the entries of your tools.",
        f"2. For all processes of Airflow, set {VARIABLE} to its path, and dags_folder to {folder / 'dags'}. "
        "You can also copy the DAG files into your own folder.",
        f"3. Fill in {folder / CONNECTIONS}, run `airflow connections import` with it, then delete it.",
        "4. Run `python -m ci_operators ledger migrate`, then `python -m ci_operators check`.",
    ]
