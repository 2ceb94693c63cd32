"""The Okta System Log API, `GET /api/v1/logs`, as far as its reference goes."""
