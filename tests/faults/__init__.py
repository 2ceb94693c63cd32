"""Delivery under faults: each HTTP fault at each stage, kills at every instruction, interleavings, late events."""
