"""The import path of the hook in older versions."""

from ci_operators.hooks.vendor import RecordedFutureHook

__all__ = ["RecordedFutureHook"]
