"""`attack-table`: writes a newer edition of ATT&CK from MITRE's STIX bundle into a file for `attack_table`."""

from __future__ import annotations

import argparse
from pathlib import Path

from ci_operators.attack import SHIPPED_VERSION
from ci_operators.attack.edition import read_bundle, write_content
from ci_operators.commands.terminal import Terminal, sentence
from ci_operators.core.errors import ConfigurationError


def run(options: argparse.Namespace, terminal: Terminal) -> int:
    """Write the file, and print a summary of its content."""
    content, path = read_bundle(Path(options.bundle)), Path(options.file)
    try:
        write_content(content, path)
    except OSError as err:
        raise ConfigurationError(f"{path} cannot be written ({err.strerror}).") from err
    told = {"version": content.version, "techniques": len(content.techniques), "retired": len(content.retired)}
    words = (
        f"{path}: ATT&CK version {content.version}, {len(content.techniques)} techniques and {len(content.retired)} "
        f"retired ones. The package ships version {SHIPPED_VERSION}.",
        f"Put `attack_table: {path.name}` into connectors.yaml; the path is relative to it.",
    )
    terminal.show({"file": str(path), **told}, map(sentence, words))
    return 0
