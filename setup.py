"""What pyproject.toml cannot say: README.md for a package index, and the files of the tree that `init` writes."""

from __future__ import annotations

import re
import shutil
import tomllib
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
#: See commands/init.py.
STARTER_FILES = ("connectors.yaml", "connectors.schema.json", "connections.example.json")


def read_description() -> str:
    """Return README.md with absolute links, to the files of this version."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    init = (ROOT / "plugins" / "ci_operators" / "__init__.py").read_text(encoding="utf-8")
    home, tag = project["urls"]["Source"], "v" + re.findall(r'^__version__ = "(.+)"$', init, re.MULTILINE)[0]
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    text = re.sub(r"(!\[[^]]*\]\()(?=\w+/)", rf"\1{home}/raw/{tag}/", text)
    return re.sub(r"(\]\()(?!https?://|#)", rf"\1{home}/blob/{tag}/", text)


class BuildWithStarter(build_py):
    """Puts dags/ and examples into the wheel, so that the tree has them only once."""

    def run(self) -> None:
        """Build the package, then copy them into it."""
        super().run()
        if self.editable_mode:  # `init` reads the tree
            return
        starter = Path(self.build_lib) / "ci_operators" / "starter"
        (starter / "dags").mkdir(parents=True, exist_ok=True)
        for path in (ROOT / "dags").glob("*.py"):
            shutil.copyfile(path, starter / "dags" / path.name)
        for name in STARTER_FILES:
            shutil.copyfile(ROOT / "include" / name, starter / name)


setup(
    cmdclass={"build_py": BuildWithStarter},
    long_description=read_description(),
    long_description_content_type="text/markdown",
)
