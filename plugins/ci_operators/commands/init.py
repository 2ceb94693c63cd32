"""`init`: the files that an Airflow needs beside the installed package, written into a folder."""

from __future__ import annotations

import argparse
from pathlib import Path

from ci_operators.commands.terminal import Terminal, sentence
from ci_operators.connectors_file import VARIABLE
from ci_operators.core.errors import ConfigurationError

#: In a wheel, where setup.py puts the files of the tree.
STARTER = Path(__file__).parents[1] / "starter"
#: In a checkout of the project.
ROOT = Path(__file__).parents[3]
CONNECTORS, CONNECTIONS = "connectors.yaml", "connections.example.json"
FILES = (CONNECTORS, "connectors.schema.json", CONNECTIONS)


def run(options: argparse.Namespace, terminal: Terminal) -> int:
    """Write the files, and say what to do next."""
    folder = Path(options.folder).absolute()
    files = find_files()
    existing = [name for name in files if (folder / name).exists()]
    if existing and not options.force:
        raise ConfigurationError(
            f"{folder} already has {', '.join(existing)}: nothing was written. "
            "Choose another folder, or overwrite them with --force."
        )
    try:
        for name, source in files.items():
            _write(folder / name, source.read_bytes())
    except OSError as err:
        raise ConfigurationError(f"The files cannot be written to {folder} ({err.strerror}).") from err
    terminal.show({"folder": str(folder), "written": list(files)}, map(sentence, [*files, *_name_next_steps(folder)]))
    return 0


def find_files() -> dict[str, Path]:
    """Return the files to write by their names in the folder. Raises ConfigurationError if they are not at hand."""
    is_packed = STARTER.is_dir()
    dags, others = (STARTER / "dags", STARTER) if is_packed else (ROOT / "dags", ROOT / "include")
    files = {f"dags/{path.name}": path for path in sorted(dags.glob("*.py"))}
    files |= {name: others / name for name in FILES}
    if not all(path.is_file() for path in files.values()):
        raise ConfigurationError(
            "init needs the installed package or a checkout of the project: a copy of plugins/ lacks its files."
        )
    return files


def _write(path: Path, content: bytes) -> None:
    """Write a file. People fill their tokens into the Connections, so that file is for its owner alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600 if path.name == CONNECTIONS else 0o666)
    path.write_bytes(content)


def _name_next_steps(folder: Path) -> list[str]:
    return [
        f"1. Edit {folder / CONNECTORS}. Set {VARIABLE} to its path for all processes of Airflow.",
        f"2. Set Airflow's dags_folder to {folder / 'dags'}, or copy the files into yours.",
        f"3. Fill in {folder / CONNECTIONS}, run `airflow connections import` with it, then delete it.",
        "4. Run `python -m ci_operators check`.",
    ]
