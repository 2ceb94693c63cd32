"""`make bench`: the cost of the project, as ratios to what people would do without it, measured in the same run."""
