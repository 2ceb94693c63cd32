"""Okta System Log: `security.threat.detected` events of Okta ThreatInsight."""
