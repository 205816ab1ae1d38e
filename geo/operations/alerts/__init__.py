"""Alerts: measurements that cross a level, told, acknowledged, and followed until they are back to normal."""
