"""Incidents that people keep: one event, the reports of it, one answer to all who reported it."""
