"""A simulated CrowdStrike Falcon: token endpoint and Alerts API."""
