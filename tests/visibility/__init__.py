"""Who sees and may do what, by every protocol: one table, and the two cities that it is asked of."""
