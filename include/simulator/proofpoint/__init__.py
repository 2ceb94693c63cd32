"""Proofpoint TAP's SIEM API, `GET /v2/siem/all`, as far as connectors use it, with a scenario."""
