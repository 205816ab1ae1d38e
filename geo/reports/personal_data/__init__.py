"""What tells of a person: masked, kept apart, given out, forgotten."""
