"""Who gets a report: rules tried and applied, and what happens when agencies hand it to and fro."""
