"""Many reports at once, from files."""
