"""Columns that have a meaning of their own; both come last in a row, the box before the geometry."""

GEOMETRY = "geom"
BOX = ("xmin", "ymin", "xmax", "ymax")
