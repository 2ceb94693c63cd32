"""Okta's System Log API, `GET /api/v1/logs`, and token endpoint, as far as connectors use them, with a scenario."""
