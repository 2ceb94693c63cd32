"""`make bench`: what the project costs, as ratios measured in one run beside what people would do without it."""
