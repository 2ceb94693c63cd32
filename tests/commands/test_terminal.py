"""The output of commands: tables, JSON, and one sentence for an error."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

import ci_operators
from ci_operators.answers.ledgers import NoLedgerError
from ci_operators.commands.terminal import (
    Terminal,
    make_table,
    run_command,
    sentence,
    show_span,
    show_value,
)
from ci_operators.core.errors import CollectiveInsightsError, ConfigurationError, CredentialsError
from ci_operators.core.text import clean_text


def printed(*, as_json: bool) -> str:
    console = Console(file=StringIO(), width=80)
    table = make_table("Title", ("one",), [("[bold]x[/nothing]",), ("\x1b[31mred",), (None,)])
    Terminal(as_json, console).show({"at": datetime(2026, 3, 10, tzinfo=UTC)}, [table, sentence("[b]end\x07")])
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_vendor_text_is_printed_without_control_characters() -> None:
    shown = printed(as_json=False)
    assert "[bold]x[/nothing]" in shown
    assert "\x1b[31m" not in shown
    assert "\x07" not in shown
    assert "[b]end" in shown


def test_machines_see_the_document_alone() -> None:
    assert printed(as_json=True) == '{\n  "at": "2026-03-10T00:00:00Z"\n}\n'


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ConfigurationError("wrong"), 2),
        (NoLedgerError("away"), 2),
        (CredentialsError("refused"), 1),
        (CollectiveInsightsError("other\x1b"), 1),
    ],
)
def test_an_error_is_one_sentence(
    error: CollectiveInsightsError, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> int:
        raise error

    assert run_command(fail) == status
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", clean_text(str(error), keep="\n") + "\n")


def test_library_output_is_not_part_of_the_answer(capsys: pytest.CaptureFixture[str]) -> None:
    def chatter() -> int:
        print("noise")  # noqa: T201 - like a library that prints
        return 0

    assert run_command(chatter) == 0
    assert capsys.readouterr() == ("", "noise\n")


def test_an_interrupt_prints_no_stack_trace() -> None:
    def interrupt() -> int:
        raise KeyboardInterrupt

    assert run_command(interrupt) == 130


def test_a_closed_pipe_prints_no_stack_trace() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    environment = {**os.environ, "PYTHONPATH": str(Path(ci_operators.__file__).parents[1])}
    command = [sys.executable, "-m", "ci_operators", "schema"]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, env=environment, check=False)  # noqa: S603 - ours
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0 s"), (-5, "0 s"), (61, "1 min 1 s"), (5400, "1 h 30 min"), (200_000, "2 d 7 h")]
)
def test_spans_are_formatted(seconds: float, words: str) -> None:
    assert show_span(seconds) == words


def test_values_are_formatted() -> None:
    assert [show_value(value) for value in (True, False, 3, None)] == ["yes", "no", "3", ""]
    assert show_value(datetime(2026, 3, 10, 12, tzinfo=UTC)) == "2026-03-10 12:00:00Z"
