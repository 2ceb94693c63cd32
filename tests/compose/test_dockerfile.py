"""The rules of this project for its Dockerfile, and the check that the files it copies exist."""

from __future__ import annotations

import re

import pytest

from tests.compose.compose_file import ROOT

BASE = "apache/airflow:3.3.2-python3.11"
#: Stages of this Dockerfile that later ones build on.
STAGES = {"packages", "wheel"}


@pytest.fixture(scope="module")
def steps() -> list[tuple[str, str]]:
    """The instructions, each with its words."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    lines = [line for line in text.replace("\\\n", " ").splitlines() if line and not line.startswith("#")]
    found = [line.split(maxsplit=1) for line in lines]
    return [(instruction, words) for instruction, words in found]


def words_of(steps: list[tuple[str, str]], instruction: str) -> list[str]:
    """Return the words of each such instruction."""
    return [words for found, words in steps if found == instruction]


def test_the_base_is_pinned(steps: list[tuple[str, str]]) -> None:
    assert {words.split()[0] for words in words_of(steps, "FROM")} - STAGES == {BASE}


def test_packages_are_installed_with_hashes(steps: list[tuple[str, str]]) -> None:
    """This includes the build backend: it is one of the requirements, and a build downloads nothing."""
    commands = [each for words in words_of(steps, "RUN") for each in re.findall(r"pip (?:install|wheel) [^&]+", words)]
    assert len(commands) == 3
    for command in commands:
        local = {"--no-index", "--no-deps"} <= set(command.split())
        assert local or "--require-hashes" in command, command
    (build,) = [command for command in commands if command.startswith("pip wheel")]
    assert "--no-build-isolation" in build


def test_it_runs_as_airflow_and_never_as_root(steps: list[tuple[str, str]]) -> None:
    assert steps[-1] == ("USER", "airflow")
    assert words_of(steps, "USER") == ["airflow"]


def test_nothing_is_downloaded_from_a_url(steps: list[tuple[str, str]]) -> None:
    assert not words_of(steps, "ADD")
    assert not [words for words in words_of(steps, "RUN") if re.search(r"https?:|curl|wget|apt", words)]


def test_no_secret_is_built_in(steps: list[tuple[str, str]]) -> None:
    given = [*words_of(steps, "ARG"), *words_of(steps, "ENV")]
    assert {words.split("=")[0] for words in given} == {"PIP_INDEX_URL", "SOURCE_DATE_EPOCH"}
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in ignored
    assert "**/.env" in ignored


def test_airflow_does_not_run_in_a_build(steps: list[tuple[str, str]]) -> None:
    """It would write a file with its own keys into the image."""
    assert not [
        words for words in words_of(steps, "RUN") if re.search(r"\bairflow (?!=)|import (airflow|ci_op)", words)
    ]


def test_copied_files_are_not_ignored(steps: list[tuple[str, str]]) -> None:
    allowed = {
        line[1:] for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line.startswith("!")
    }
    for words in words_of(steps, "COPY"):
        if "--from" not in words:
            *sources, _target = [word for word in words.split() if not word.startswith("--")]
            for source in sources:
                assert (ROOT / source).exists(), source
                assert source.split("/")[0] in allowed, source


def test_the_health_check_is_the_services_own(steps: list[tuple[str, str]]) -> None:
    assert not words_of(steps, "HEALTHCHECK")


def test_pins_hold_celery_where_the_provider_works() -> None:
    text = (ROOT / "requirements-deploy.txt").read_text(encoding="utf-8")
    pins = dict(re.findall(r"^([\w-]+)==(\S+)", text, re.MULTILINE))
    assert pins["apache-airflow-providers-celery"] == "3.26.0"
    assert tuple(map(int, pins["celery"].split("."))) < (5, 7)
    names = re.findall(r"^(?!-r|#)[\w-]+.*$", text, re.MULTILINE)
    assert all("==" in name for name in names)
