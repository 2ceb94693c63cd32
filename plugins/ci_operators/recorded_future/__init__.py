"""Recorded Future's Collective Insights API: where detections go."""
