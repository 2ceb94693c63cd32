"""The staging area: what a stage leaves for the next one, and for people."""
