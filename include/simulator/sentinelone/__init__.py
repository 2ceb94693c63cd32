"""The SentinelOne Management API 2.1, `GET /web/api/v2.1/threats` and the two system calls."""
