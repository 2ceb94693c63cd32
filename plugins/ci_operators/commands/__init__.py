"""What people run in a terminal, one module for each command."""
