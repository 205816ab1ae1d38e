"""Closing that is believed: who reported is asked whether it is done, and a closing that was not believed counts against it."""
