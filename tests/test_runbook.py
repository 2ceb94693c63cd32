"""The runbook has a line for every sentence that the code raises or warns with on purpose."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import ci_operators
from ci_operators.answers.ledgers import NoLedgerError
from ci_operators.answers.question import WrongQuestionError
from ci_operators.core import errors
from ci_operators.recorded_future.api import VENDOR as RECORDED_FUTURE
from ci_operators.sources.okta import oauth
from ci_operators.sources.okta.api import VENDOR as OKTA
from ci_operators.sources.sentinelone.api import VENDOR as SENTINELONE
from tests.airflow_home import ROOT

PACKAGE = Path(ci_operators.__file__).parent
#: Words in a row that tell one sentence from others.
ENOUGH = 8
#: Sites whose sentence is made of others, and where those stand. This list may only shrink.
EXCEPTIONS = {
    "answers/ledgers.py: f'Connection {conn_id}: {err}'": "the ledger's sentence: hooks/ledger.py, ledger/",
    "commands/status.py: live[0].problem": "the same",
    "dag_factory.py: '\\n'.join(problems)": "connectors_file.py's sentences: see test_connectors_file.py",
    "recorded_future/api.py: message": "made a line above; `UnknownOutcomeError` in the runbook has it",
    "recorded_future/api.py: str(err)": "transport/client.py's sentence of a 429",
    "transport/client.py: f'{words}: {mend}'": "the vendors' own words: `MENDS`, below",
    "transport/client.py: f'{words}: {vendor.credentials_hint}'": "the same: hints, below",
    "transport/client.py: f'{words}: {vendor.permission_hint}'": "the same: hints, below",
    "transport/client.py: f'{words}.'": "`… answered 503`: words of the vendor",
    "transport/private_key.py: _name_other(text)": "three endings, below",
    "pages/application.py: '%s %s failed'": "the log line of a defect: method and path",
}
EXCEPTIONS_ONCE = 11
#: What the exceptions are made of.
COMPOSED = (
    "The detections may have been stored.",
    "is damaged: its first or its last line is missing",
    "is a public key or a certificate",
    "is not a private key",
    "is missing.",
    "there is no such option; allowed:",
    "is not allowed:",
)


@dataclass(frozen=True)
class Site:
    """One place in the code where a sentence is made. text: its first argument, as source; parts: its fixed words."""

    path: str
    line: int
    text: str
    parts: tuple[str, ...]

    @property
    def key(self) -> str:
        return f"{self.path}: {self.text}"

    @property
    def fragment(self) -> str:
        """Return its longest fixed words, "" if they are too short to be told from others."""
        longest = max((part.strip(" .:;,()") for part in self.parts), key=len, default="")
        return longest if len(longest) >= ENOUGH else ""


def error_names() -> set[str]:
    """Return the names of all error classes of the package: the tree, and what stands on it elsewhere."""
    known = {name for name in vars(errors) if name.endswith("Error")}
    classes = [node for tree in trees().values() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    for _ in range(3):  # a class may stand before its base
        known |= {each.name for each in classes if any(isinstance(b, ast.Name) and b.id in known for b in each.bases)}
    return known


def trees() -> dict[str, ast.Module]:
    paths = sorted(PACKAGE.rglob("*.py"))
    return {str(path.relative_to(PACKAGE)): ast.parse(path.read_text(encoding="utf-8")) for path in paths}


def sites() -> Iterator[Site]:
    """Yield every place that makes an error of the tree, warns, or refuses an option."""
    known = error_names()
    for path, tree in trees().items():
        wanted = known | {"warning", "error", "exception"}
        if path in ("core/connector.py", "core/duration.py"):
            wanted |= {"ValueError"}  # pydantic makes the connectors file's problems of these
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and node.args and _name(node.func) in wanted:
                yield Site(path, node.lineno, ast.unparse(node.args[0]), tuple(_fixed_words(node.args[0])))


def _name(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr if _name(function.value) in ("log", "logger") else ""
    return function.id if isinstance(function, ast.Name) else ""


def _fixed_words(text: ast.expr) -> Iterator[str]:
    if isinstance(text, ast.Constant) and isinstance(text.value, str):
        yield from re.split(r"%[sd]", text.value)
    elif isinstance(text, ast.JoinedStr):
        yield from (str(part.value) for part in text.values if isinstance(part, ast.Constant))


@pytest.fixture(scope="module")
def runbook() -> str:
    return (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")


SITES = sorted({site.key: site for site in sites()}.values(), key=lambda site: site.key)


@pytest.mark.parametrize("site", [site for site in SITES if site.key not in EXCEPTIONS], ids=lambda site: site.key[:80])
def test_every_sentence_stands_in_the_runbook(site: Site, runbook: str) -> None:
    assert site.fragment, f"{site.path}:{site.line} has no words of its own: name it in EXCEPTIONS"
    assert site.fragment in runbook, f"{site.path}:{site.line}: {site.fragment!r} stands nowhere in docs/runbook.md"


def test_exceptions_only_shrink() -> None:
    assert len(EXCEPTIONS) <= EXCEPTIONS_ONCE
    assert set(EXCEPTIONS) <= {site.key for site in SITES}, "an exception for a sentence that is gone"


def test_there_are_sentences() -> None:
    assert len(SITES) > 90
    assert {NoLedgerError.__name__, WrongQuestionError.__name__, "ArtifactGoneError"} <= error_names()


@pytest.mark.parametrize("words", COMPOSED)
def test_what_sentences_are_made_of_stands_in_it(words: str, runbook: str) -> None:
    assert words in runbook


@pytest.mark.parametrize(
    "vendor",
    [OKTA, SENTINELONE, RECORDED_FUTURE, oauth.app_vendor(OKTA), oauth.token_endpoint(OKTA)],
    ids=lambda each: each.title,
)
def test_what_a_vendors_refusal_asks_for_stands_in_it(vendor: object, runbook: str) -> None:
    for hint in ("credentials_hint", "permission_hint"):
        words = str(getattr(vendor, hint))
        assert re.split(r"(?<=\.) (?=Create|Generate|Request)", words)[0] in runbook


@pytest.mark.parametrize("words", sorted(set(oauth.MENDS.values())))
def test_what_oktas_token_endpoint_asks_for_stands_in_it(words: str, runbook: str) -> None:
    assert words in runbook


def test_every_kind_of_error_stands_in_it(runbook: str) -> None:
    raised = {name for name in vars(errors) if name.endswith("Error")}
    roots = {"CollectiveInsightsError", "FatalError", "RetriableError"}
    assert [name for name in sorted(raised - roots) if f"`{name}`" not in runbook] == []
