"""What shows that the work is done: photos, checked against the report and against earlier ones."""
