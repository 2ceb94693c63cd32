"""Malformed vendor data in the real stages, clients, readers and pages: `make fuzz`, and a little in the suite.

Hypothesis draws, shrinks and stores examples. Findings stay in its database in build/fuzz, are tried first again, and
become cases beside the fixed module's tests. The JSON-aware damage finds the most (`damage`, `odd`).
"""
