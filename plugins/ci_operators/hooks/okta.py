"""The hook's import path before all vendors' hooks were made in one place."""

from ci_operators.hooks.vendor import OktaHook

__all__ = ["OktaHook"]
