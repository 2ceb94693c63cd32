"""A simulated Acme Cloud."""
