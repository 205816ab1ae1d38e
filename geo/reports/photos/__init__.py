"""Photos: cleaned, stored, swept away."""
