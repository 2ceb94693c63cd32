"""The invented organization: what its tenants saw, as a pure function of seed and time."""
