"""SentinelOne: threats of the Management API v2.1."""
