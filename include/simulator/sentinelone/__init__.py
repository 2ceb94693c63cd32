"""The SentinelOne Management API 2.1 with its scenario: `GET /web/api/v2.1/threats`, as far as connectors ask."""
