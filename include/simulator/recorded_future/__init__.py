"""The Recorded Future Collective Insights API: detections and search."""
