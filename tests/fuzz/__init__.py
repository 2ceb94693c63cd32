"""Malformed vendor data through the real stages, clients, readers and pages: `make fuzz`, and a little in the suite.

An example takes its decisions from a few bytes (`choices`), so that whatever gives bytes can drive it. Tried for a
minute each on one busy core, over the chain: bytes from a seeded generator 928 examples with 106 distinct outcomes,
hypothesis 543 with 96, atheris (coverage-guided) 764 with 43. Most branches are not ours but msgspec's, which
atheris does not see, and what finds things is the damage that knows JSON. So the plainest drives it; it needs no
package, and its own few lines make a finding small.

Findings become cases beside the mended module's tests; no corpus is kept.
"""
