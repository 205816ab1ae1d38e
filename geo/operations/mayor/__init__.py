"""What the mayor directs and reads: instructions to agencies, and the weekly brief."""
