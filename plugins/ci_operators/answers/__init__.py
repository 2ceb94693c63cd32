"""Answers to questions about runs, records, and connectors. The command line and the pages only display them."""
