"""The runbook has a line for every error and warning sentence of the code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

import ci_operators
from ci_operators.answers.ledgers import NoLedgerError
from ci_operators.answers.question import WrongQuestionError
from ci_operators.core import errors
from ci_operators.recorded_future.api import VENDOR as RECORDED_FUTURE
from ci_operators.sources.crowdstrike.api import TOKEN_ENDPOINT as CROWDSTRIKE_TOKEN_ENDPOINT
from ci_operators.sources.crowdstrike.api import VENDOR as CROWDSTRIKE
from ci_operators.sources.defender.api import VENDOR as DEFENDER
from ci_operators.sources.defender.oauth import ENDPOINT as ENTRA_ID
from ci_operators.sources.defender.oauth import FIXES as ENTRA_ID_FIXES
from ci_operators.sources.okta import oauth
from ci_operators.sources.okta.api import VENDOR as OKTA
from ci_operators.sources.proofpoint.api import VENDOR as PROOFPOINT
from ci_operators.sources.sentinelone.api import VENDOR as SENTINELONE
from tests.airflow_home import ROOT

PACKAGE = Path(ci_operators.__file__).parent
#: The minimum number of letters outside of values, so that a sentence can be searched for.
ENOUGH = 8
#: A value in a sentence of the runbook.
VALUE = "[^|]{0,160}?"
#: Sites that pass on a sentence, and where it is created. This list may only shrink.
EXCEPTIONS = {
    "commands/status.py: live[0].problem": "the ledger's: hooks/ledger.py, ledger/",
    "dag_factory.py: '\\n'.join(problems)": "connectors_file.py's: see test_connectors_file.py",
    "recorded_future/api.py: str(err)": "transport/client.py's sentence of a 429",
    "transport/client.py: f'{words}.'": "the vendor's own words",
    "transport/client.py: f'{words}: {hint}'": "hints and `FIXES` of the vendors, below",
}
EXCEPTIONS_ONCE = 5
#: The texts of connectors_file.py for pydantic's errors.
COMPOSED = ("is missing.", "there is no such option; allowed:", "is not allowed:")


@dataclass(frozen=True)
class Site:
    """One place in the code that creates a sentence. text: its first argument, as source; parts: its fixed words."""

    path: str
    line: int
    text: str
    parts: tuple[str, ...]

    @property
    def key(self) -> str:
        return f"{self.path}: {self.text}"

    @property
    def pattern(self) -> str:
        """Return a pattern that finds the whole sentence, with any value between its fixed words."""
        words = [re.escape(simplify(part)) for index, part in enumerate(self.parts) if index == 0 or part.strip()]
        return VALUE.join(words).removeprefix(VALUE).removesuffix(VALUE)


def simplify(text: str) -> str:
    """Return a text without code style, with single spaces."""
    return re.sub(r"\s+", " ", text.replace("`", ""))


def error_names() -> set[str]:
    """Return the names of all error classes of the package: the tree, and subclasses elsewhere."""
    known = {name for name in vars(errors) if name.endswith("Error")}
    classes = [node for tree in trees().values() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    for _ in range(3):  # a class can come before its base
        known |= {each.name for each in classes if any(isinstance(b, ast.Name) and b.id in known for b in each.bases)}
    return known


@cache
def trees() -> dict[str, ast.Module]:
    paths = sorted(PACKAGE.rglob("*.py"))
    return {str(path.relative_to(PACKAGE)): ast.parse(path.read_text(encoding="utf-8")) for path in paths}


def sites() -> Iterator[Site]:
    """Yield every place that creates an error of the tree, warns, or refuses an option."""
    known = error_names()
    for path, tree in trees().items():
        wanted = known | {"warning", "error", "exception"}
        if path in ("core/connector.py", "core/duration.py"):
            wanted |= {"ValueError"}  # pydantic turns these into problems of the connectors file
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and node.args and _name(node.func) in wanted:
                yield Site(path, node.lineno, ast.unparse(node.args[0]), tuple(_fixed_words(node.args[0])))


def _name(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr if _name(function.value) in ("log", "logger") else ""
    return function.id if isinstance(function, ast.Name) else ""


def _fixed_words(text: ast.expr) -> Iterator[str]:
    """Yield the words of a sentence, split at its values. The first and the last part can be empty."""
    if isinstance(text, ast.Constant) and isinstance(text.value, str):
        yield from re.split(r"%[sd]", text.value)
    elif isinstance(text, ast.JoinedStr):
        written = (str(part.value) if isinstance(part, ast.Constant) else "%s" for part in text.values)
        yield from "".join(written).split("%s")


@pytest.fixture(scope="module")
def runbook() -> str:
    return (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")


SITES = sorted({site.key: site for site in sites()}.values(), key=lambda site: site.key)


@pytest.mark.parametrize("site", [site for site in SITES if site.key not in EXCEPTIONS], ids=lambda site: site.key[:80])
def test_every_sentence_is_in_the_runbook(site: Site, runbook: str) -> None:
    place = f"{site.path}:{site.line}"
    assert sum(map(len, site.parts)) >= ENOUGH, f"{place} consists of values: name it in EXCEPTIONS"
    assert re.search(site.pattern, simplify(runbook)), f"{place}: docs/runbook.md does not have {site.text}"


def test_a_sentence_with_another_word_is_not_found(runbook: str) -> None:
    for said in ("Recorded Future's search does not stop.", "Another run of %s is sending: this one waits for it."):
        site = Site("", 0, said, tuple(_fixed_words(ast.Constant(said))))
        assert not re.search(site.pattern, simplify(runbook))


def test_exceptions_only_shrink() -> None:
    assert len(EXCEPTIONS) <= EXCEPTIONS_ONCE
    assert set(EXCEPTIONS) <= {site.key for site in SITES}, "an exception for a sentence that is gone"


def test_sentences_are_found() -> None:
    assert len(SITES) > 90
    assert {NoLedgerError.__name__, WrongQuestionError.__name__, "ArtifactGoneError"} <= error_names()


@pytest.mark.parametrize("words", COMPOSED)
def test_the_words_for_wrong_options_are_in_it(words: str, runbook: str) -> None:
    assert words in runbook


@pytest.mark.parametrize(
    "vendor",
    [
        CROWDSTRIKE,
        CROWDSTRIKE_TOKEN_ENDPOINT,
        DEFENDER,
        ENTRA_ID,
        OKTA,
        SENTINELONE,
        PROOFPOINT,
        RECORDED_FUTURE,
        oauth.app_vendor(OKTA),
        oauth.token_endpoint(OKTA),
    ],
    ids=lambda each: each.title,
)
def test_the_remedies_of_vendors_are_in_it(vendor: object, runbook: str) -> None:
    for hint in ("credentials_hint", "permission_hint"):
        words = str(getattr(vendor, hint))
        assert re.split(r"(?<=\.) (?=Create|Generate|Request)", words)[0] in runbook


@pytest.mark.parametrize("words", sorted({*oauth.FIXES.values(), *ENTRA_ID_FIXES.values()}))
def test_the_remedies_of_token_endpoints_are_in_it(words: str, runbook: str) -> None:
    assert words in runbook


def test_every_kind_of_error_is_in_it(runbook: str) -> None:
    raised = {name for name in vars(errors) if name.endswith("Error")}
    roots = {"CollectiveInsightsError", "FatalError", "RetriableError"}
    assert [name for name in sorted(raised - roots) if f"`{name}`" not in runbook] == []
