"""For the services that are run natively: a stage that is about to write a file waits while a pipe lies beside it.

Python imports this by itself, since the folder is on their PYTHONPATH.
"""

import os
import re
import sys
from typing import Any

#: Of a pipe, behind the name of the file that is held back.
HELD = ".held"


def _wait_beside(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "open" or not isinstance(arguments[0], str | os.PathLike):
        return
    path = os.fspath(arguments[0])
    if not isinstance(path, str) or not path.endswith(".draft"):
        return
    pipe = re.sub(r"\.[0-9a-f]{8}\.draft$", ".draft", path) + HELD  # a draft has a name of its process alone
    if os.path.exists(pipe):  # noqa: PTH110 - each file is asked
        os.close(os.open(pipe, os.O_RDONLY))  # until somebody opens it for writing: nobody does


sys.addaudithook(_wait_beside)
