"""The commands of `python -m ci_operators`, one module each."""
