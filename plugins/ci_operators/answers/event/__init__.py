"""What happened to one event, and why."""
