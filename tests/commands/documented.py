"""The commands and snippets of the documentation, and the check of a command.

Each block has a language. Each line of a `shell` block is a command. Inline code is a command if it starts with the
name of a program, or with one of our subcommands and an argument.
"""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from io import StringIO
from itertools import dropwhile, groupby, pairwise, takewhile
from textwrap import dedent

import yaml
from benchmarks.__main__ import BENCHMARKS

from ci_operators.commands.arguments import build_parser
from tests.airflow_home import ROOT

#: docs/conf.py generates docs/sources from the DAG files.
PAGES = [path for path in sorted((ROOT / "docs").rglob("*.md")) if path.parent.name != "sources"]
PAGES += [ROOT / f"{name}.md" for name in ("README", "CONTRIBUTING", "RELEASING", "SECURITY")]
#: Other programs, whose arguments are not checked.
OTHERS = {".", "cat", "cd", "git", "pg_dumpall", "pre-commit", "rm", "ruff", "twine", "umask", "vi"}
OURS = {path.stem.replace("_", "-") for path in (ROOT / "plugins" / "ci_operators" / "commands").glob("[!_]*.py")}
COMPOSE_OPTIONS = {"build": [], "down": ["--volumes"], "exec": ["-T"], "logs": [], "up": ["--detach", "--wait"]}
_BLOCK = re.compile(r"^( *)```(\S*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"(?<!`)`((?:[^`\n]|\n(?!\n))+)`(?!`)")
_ASSIGNMENT = re.compile(r"[A-Z][A-Z0-9_]*=")


@dataclass(frozen=True)
class Command:
    """One program with its arguments. A part is a mention in a sentence, which can leave arguments out."""

    page: str
    words: tuple[str, ...]
    is_part: bool = False

    def __str__(self) -> str:
        return shlex.join(self.words)


def find_snippets() -> list[tuple[str, str, str]]:
    """Yield the page, the language, and the text of each block."""
    blocks = ((page, found) for page in PAGES for found in _BLOCK.finditer(page.read_text(encoding="utf-8")))
    return [(page.name, found[2], dedent(found[3])) for page, found in blocks]


def find_commands() -> Iterator[Command]:
    """Yield each command of the documentation, including those that a command passes to another one."""
    for page, language, text in find_snippets():
        for line in text.replace("\\\n", " ").splitlines() if language == "shell" else ():
            yield from split_commands(line, page)
    for path in PAGES:
        for found in filter(_is_command, _INLINE.findall(_BLOCK.sub("", path.read_text(encoding="utf-8")))):
            yield from split_commands(found, path.name, is_part=True)


def split_commands(line: str, page: str = "", *, is_part: bool = False) -> Iterator[Command]:
    """Yield the simple commands of a line of shell, without redirections."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="();<>|&")
    lexer.whitespace_split = True
    for is_operator, group in groupby(lexer, lambda word: word in {"&&", "||", ";", "|", "(", ")"}):
        words = list(group)
        if is_operator:
            continue
        while redirection := next((index for index, word in enumerate(words) if word in {"<", ">"}), None):
            del words[redirection : redirection + 2]
        command = Command(page, tuple(words), is_part)
        yield command
        for inner in _find_inner(command.words):
            yield from split_commands(inner, page, is_part=is_part)


def find_problem(command: Command) -> str | None:
    """Return what is wrong with a command, else None. Airflow's own commands are not checked here."""
    words = list(dropwhile(lambda word: word == "export" or _ASSIGNMENT.match(word), command.words))
    if not words or words[0] in {"airflow", *OTHERS}:
        return None
    program, *rest = ["python", "-m", "ci_operators", *words] if words[0] in OURS else words
    program = "sh" if program == "bash" else program
    if program not in _JUDGES:
        return f"{program} is not a known program"
    problem = _JUDGES[program](rest) or ""
    return None if command.is_part and "required" in problem else problem or None


def parse_own(words: Sequence[str]) -> str | None:
    """Return the error of our argument parser for the words after `python -m ci_operators`."""
    said = StringIO()
    with redirect_stderr(said), redirect_stdout(StringIO()), suppress(SystemExit):
        build_parser().parse_args(["1" if word == "…" else word for word in words])
    return said.getvalue().strip().rpartition("\n")[2] or None


def _is_command(text: str) -> bool:
    words = list(dropwhile(_ASSIGNMENT.match, text.split()))
    return len(words) > 1 and words[0] in {"airflow", "bash", "export", *OTHERS, *OURS, *_JUDGES}


def _find_inner(words: Sequence[str]) -> list[str]:
    if words[0] in {"sh", "bash"} and words[1] == "-c":
        return [words[2]]
    if words[:2] != ("docker", "compose") or "exec" not in words:
        return []
    return [shlex.join([word for word in words[words.index("exec") + 1 :] if word != "-T"][1:])]


def _judge_make(words: Sequence[str]) -> str | None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    about = dict(re.findall(r"^([a-z-]+):[^#\n]*## (.*)$", makefile, re.MULTILINE))
    for_all, for_demo = re.findall(r"Variables: (.*); for demo also (.*)\"", makefile)[0]
    about["demo"] += for_demo
    known = " ".join([for_all, *(about.get(word, "") for word in words)])
    wrong = [word for word in words if "=" not in word and word not in about]
    wrong += [word for word in words if "=" in word and not re.search(rf"\b{word.partition('=')[0]}=", known)]
    return f"make {words[0]} does not know {wrong[0]}" if wrong else None


def _judge_python(words: Sequence[str]) -> str | None:
    option, module, *rest = words
    if option != "-m" or not find_spec(module):
        return f"there is no module {module}"
    if module == "benchmarks" and (wrong := set(rest) - {*BENCHMARKS, "NAME", "--quick"}):
        return f"there is no benchmark {', '.join(wrong)}"
    return parse_own(rest) if module == "ci_operators" and rest else None


def _judge_sh(words: Sequence[str]) -> str | None:
    script = ROOT / words[0]
    text = script.read_text(encoding="utf-8") if script.is_file() else ""
    is_known = words[0] == "-c" or (text and all(word in text for word in words[1:]))
    return None if is_known else f"{words[0]} does not exist, or does not know {words[1:]}"


def _judge_pip(words: Sequence[str]) -> str | None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    unknown = [extra for extra in re.findall(r"\.\[(\w+)\]", " ".join(words)) if extra not in extras]
    missing = [file for option, file in pairwise(words) if option == "-r" and not (ROOT / file).is_file()]
    return f"there is no {', '.join([*unknown, *missing])}" if unknown or missing else None


def _judge_docker(words: Sequence[str]) -> str | None:
    services = yaml.safe_load((ROOT / "docker-compose.yaml").read_text(encoding="utf-8"))["services"]
    profiles = {profile for service in services.values() for profile in service.get("profiles", ())}
    compose, *rest = words
    while rest and rest[0] in {"--profile", "--env-file"}:
        option, value, *rest = rest
        if option == "--profile" and value not in profiles:
            return f"docker-compose.yaml has no profile {value}"
    action, *rest = rest or ["build"]
    if compose != "compose" or action not in COMPOSE_OPTIONS:
        return f"docker {compose} {action} is not a known command"
    options = list(takewhile(lambda word: word.startswith("-"), rest))
    named = rest[len(options) :][: 1 if action == "exec" else None]
    wrong = [word for word in options if word not in COMPOSE_OPTIONS[action]]
    wrong += [name for name in named if name not in services]
    return f"docker compose {action} does not know {', '.join(wrong)}" if wrong else None


_JUDGES = {"make": _judge_make, "python": _judge_python, "sh": _judge_sh, "pip": _judge_pip, "docker": _judge_docker}
