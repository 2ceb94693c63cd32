"""The Okta System Log API with its scenario: `GET /api/v1/logs` and the token endpoint, as far as connectors ask."""
