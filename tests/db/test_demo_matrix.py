"""What is planted in the demo city comes out on top of the matrix, and nothing else does."""

from datetime import UTC, datetime, timedelta

import pytest

from geo.analysis.matrix import Matrix, MatrixParams, compute_matrix
from geo.areas.models import Area, City
from geo.reports.categories import with_descendants
from geo.reports.models import Category
from sensors import published
from tests.demo_city import fill_demo_city

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 26, 5, tzinfo=UTC)
DAYS = 35
# What geo.demo plants: floods follow the rivers, which follow the rain; congestion reports follow the streets, and so do what
# the streets' traffic emits.
CHAIN = {"rain", "river_level", "discharge"}
# And the same rain washes the dust out of the air, and cools it.
RAINED_ON = {"pm25", "pm10", "temperature", "humidity"}
STREETS = {"traffic_speed", "traffic_volume", "noise", "no2", "so2", "co", "pm25", "pm10"}


def matrix_of(city: City, method: str) -> tuple[Matrix, dict[int, str]]:
    top = {category.pk: category.slug for category in Category.objects.filter(parent=None)}
    found = compute_matrix(
        MatrixParams(
            city_id=city.pk,
            zone=city.timezone,
            area_id=Area.objects.get(city=city, parent=None).pk,
            categories={pk: with_descendants([slug]) for pk, slug in top.items()},
            properties=published.observed_property_codes(),
            start=NOW - timedelta(days=DAYS),
            end=NOW,
            interval="hour",
            now=NOW,
            method="spearman" if method == "spearman" else "pearson",
        )
    )
    return found, top


def discoveries(found: Matrix, slugs: dict[int, str]) -> set[tuple[str, str]]:
    return {(slugs[pair.category], pair.property) for pair in found.pairs if pair.q is not None and pair.q <= 0.05}


def test_planted_chain_is_on_top_with_its_lags_and_nothing_that_was_not_planted_is_found() -> None:
    city = fill_demo_city(days=DAYS, now=NOW)
    found, slugs = matrix_of(city, "pearson")
    assert found.tests > 150
    top = [(slugs[pair.category], pair.property, pair.lag) for pair in found.pairs[:3]]
    # Reports come three hours after the gauges. The rain takes about an hour and a half to run together, three hours to
    # come down the rivers, and three more to be reported.
    assert set(top) == {("banjir", "discharge", 3), ("banjir", "river_level", 3), ("banjir", "rain", 8)}
    planted = {("banjir", code) for code in CHAIN | RAINED_ON} | {("kemacetan", code) for code in STREETS}
    discovered = discoveries(found, slugs)
    assert discovered - planted == set()
    assert ("kemacetan", "traffic_speed") in discovered

    ranked, _slugs = matrix_of(city, "spearman")
    top_ranked = {(slugs[pair.category], pair.property) for pair in ranked.pairs[:3]}
    assert top_ranked == {("banjir", code) for code in CHAIN}
    assert discoveries(ranked, slugs) - planted == set()
