"""Tags of the pages of the admin."""
