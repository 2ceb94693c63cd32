"""What `python -m tests.fuzz` tells pytest, by environment."""

from __future__ import annotations

MINUTES = "FUZZ_MINUTES"
SEED = "FUZZ_SEED"
FOLDER = "FUZZ_FOLDER"
REPLAY = "FUZZ_REPLAY"
