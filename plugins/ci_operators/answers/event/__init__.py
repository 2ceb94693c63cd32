"""What became of one event, and why."""
