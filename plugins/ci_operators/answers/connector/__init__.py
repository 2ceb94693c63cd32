"""The health and the state of a connector."""
