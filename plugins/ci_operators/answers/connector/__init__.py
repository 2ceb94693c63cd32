"""How a connector stands."""
