"""Timetables; registered by plugins/collective_insights_plugin.py."""
