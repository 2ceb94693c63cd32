"""Malformed vendor data through the real stages, clients, readers and pages: `make fuzz`, and a little in the suite.

Hypothesis draws, shrinks and keeps: findings stay in its database in build/fuzz, are tried first the next time, and
become cases beside the fixed module's tests. What finds most is the damage that knows JSON (`damage`, `odd`).
"""
