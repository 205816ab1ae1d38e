"""What leaves the city: written down with its reason, sent by the delivery worker."""
