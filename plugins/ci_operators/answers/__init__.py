"""Answers to what people ask of runs, records and connectors; the command line and the pages only show them."""
