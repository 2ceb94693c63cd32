"""The SentinelOne Management API 2.1 with its scenario: threats and unified alerts, as far as connectors use it."""
