"""Series and their rhythms for the tests of the statistics; the cities themselves are bench.generated's."""

import numpy as np

from geo.analysis.statistics.rhythm import days_of_week, hours_of_week, no_rhythm

# Nothing taken out but the mean: for figures that are worked by hand.


def plain(n):
    return no_rhythm(n, trend=0)


def hours(n, **more):
    return hours_of_week(np.arange(n) % 168, **more)


def days(n, **more):
    return days_of_week(np.arange(n) % 7, **more)


def rhythm_of(city):
    """Hours of the week where the slots run that far, else days."""
    return hours_of_week(city.slots) if city.slots.max() > 6 else days_of_week(city.slots)


def stacked(cities):
    """Reports and values of many cities of one length, a series a row."""
    return np.concatenate([city.reports for city in cities]), np.concatenate([city.values for city in cities])
