"""The staging area: the files that a stage writes for the next one, and for people."""
