"""The import path of the hook in older versions."""

from ci_operators.hooks.vendor import SentinelOneHook

__all__ = ["SentinelOneHook"]
