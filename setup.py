"""What pyproject.toml cannot say: README.md for a package index, where links need the project's address."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from setuptools import setup

ROOT = Path(__file__).parent


def read_description() -> str:
    """Return README.md with absolute links, to the files of this version."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    init = (ROOT / "plugins" / "ci_operators" / "__init__.py").read_text(encoding="utf-8")
    home, tag = project["urls"]["Source"], "v" + re.findall(r'^__version__ = "(.+)"$', init, re.MULTILINE)[0]
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    text = re.sub(r"(!\[[^]]*\]\()(?=\w+/)", rf"\1{home}/raw/{tag}/", text)
    return re.sub(r"(\]\()(?!https?://|#)", rf"\1{home}/blob/{tag}/", text)


setup(long_description=read_description(), long_description_content_type="text/markdown")
