"""Delivery under faults: each HTTP fault in each stage, kills at every instruction, interleavings and late events."""
