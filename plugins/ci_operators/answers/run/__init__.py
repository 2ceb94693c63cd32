"""What became of a run's records: in figures, as a table."""
