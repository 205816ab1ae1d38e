"""Reports in the admin: what a list shows to whom, and what can be done with the chosen."""
