"""What happened to a run's records: in figures, and as a table."""
