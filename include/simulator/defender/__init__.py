"""Microsoft Graph's `GET /v1.0/security/alerts_v2` and Entra ID's token endpoint, with a scenario."""
