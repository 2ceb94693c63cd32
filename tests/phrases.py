"""Phrases that our English avoids: `python -m tests.phrases` prints each one with its place and a better one.

`make lint` runs it beside codespell. Words of the field: docs/glossary.md.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator

from tests.airflow_home import ROOT

#: What to avoid, as a regular expression, and what to write.
PHRASES = {
    r"(?<!there )(is|are) no (?!longer|more|such|other|need|way|matter)\w+": "is not a …",
    r"none of ours": "not one of our …",
    r"(?<![.`\"{-])mend(s|ed|ing)?(?!\s?[:=)`\"}])": "fix",
    r"st(ands?|ood) (in|there|here|for|nowhere)": "is in",
    r"(knows|belongs|sees|takes|says|needs|reads) not": "does not …",
    r"anew": "again, from the start",
    r"as a rule": "usually",
    r"be it that": "unless",
    r"a thing of": "",
    r"who(ever)? may (change|edit|read|write|see)": "anyone who can …",
    r"that there is none of": "that does not exist",
    r"misspelt|for ever": "misspelled, forever",
    r"turned round": "in the wrong order",
    r"(has|have) (no|its) say": "",
    r"shall": "should, must",
    r"telling": "reporting",
    r"(is|are|was|were) told (of|by|at|once|apart)": "is reported, is distinguished",
    r"tells|tell (of|apart)": "reports, distinguishes",
    r"put (right|to work)": "corrected",
    r"look(s|ed)? (after|upon)": "",
    r"begin of": "start of",
    r"need a look": "need attention",
    r"by and by": "",
    r"in vain": "without success",
    r"of (its|his|her|their|our|your) own": "separate, its",
    r"whereof|wherein|thereof|therein|hereby|thus|hence|lest|whither": "",
    r"for (the|this) sake of": "for",
    r"(?-i:((organ|normal|serial|initial|recogn)is|(?<!field-)behaviour|colour|cancelled|neighbour)[a-z]*)": "American",
}
PATHS = ("*.md", "*.py", "*.js", "*.yaml", "*.html", "*.sh", "Makefile", "Dockerfile", "*.toml", "*/golden/*.json")
#: Not our words: other people's, or lists of such phrases.
OTHERS = re.compile(r"/vendor/|^tests/phrases\.py$|package-lock")


def find_phrases() -> Iterator[str]:
    """Yield "path:line: phrase (better)" for each phrase in the tracked files; line 0 is the file's name."""
    listed = subprocess.run(  # noqa: S603 -- fixed arguments
        ("/usr/bin/env", "git", "ls-files", *PATHS), cwd=ROOT, check=True, capture_output=True, text=True
    )
    wanted = [(re.compile(rf"\b({phrase})\b", re.IGNORECASE), better) for phrase, better in PHRASES.items()]
    for name in (name for name in listed.stdout.split() if not OTHERS.search(name)):
        lines = [] if name.endswith(".json") else (ROOT / name).read_text(encoding="utf-8").splitlines()
        for number, line in enumerate([name, *lines]):
            words = line.replace("_", " ") if number == 0 or "def test_" in line else line
            for phrase, better in wanted:
                for found in phrase.finditer(words):
                    yield f"{name}:{number}: {found[0]!r}" + (f" (write: {better})" if better else "")


if __name__ == "__main__":
    found = list(find_phrases())
    print("\n".join(found))  # noqa: T201
    sys.exit(bool(found))
