"""Agencies without a workstation: an assignment as a signed link that ends, to a page that works on a cheap telephone."""
