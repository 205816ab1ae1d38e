"""OGC 17-069r4, `datetime`: /req/core/fc-time-definition and -response, and what the official suite leaves out."""

import pytest
from django.test import Client

from tests.contracts.ogc.asking import COLLECTIONS, REQUIRED, ask, ids, items, refused

pytestmark = pytest.mark.usefixtures("town")
ALL = {"heap", "flood", "puddle", "lamp", "bin", "wish"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # A date is a day of the city: from 17:00Z of the day before.
        ("2026-02-27", {"heap"}),
        ("2026-02-28", {"flood", "puddle", "lamp"}),
        ("2026-03-01", {"bin", "wish"}),
        # An instant is just that moment, in whatever offset it is written.
        ("2026-02-27T17:00:00Z", {"flood"}),
        ("2026-02-28T00:00:00+07:00", {"flood"}),
        ("2026-02-27T12:00:00-05:00", {"flood"}),
        ("2026-02-27t17:00:00z", {"flood"}),
        ("2026-02-27T17:00:00.000Z", {"flood"}),
        ("2026-02-27T16:59:59.999999Z", {"heap"}),
        ("2026-02-27T17:00:00.000001Z", set()),
        # Both ends of an interval are included.
        ("2026-02-27T17:00:00Z/2026-02-28T17:00:00Z", {"flood", "puddle", "lamp", "bin"}),
        ("2026-02-27T17:00:00.000001Z/2026-02-28T16:59:59.999999Z", {"puddle", "lamp"}),
        ("2026-02-28T05:30:00Z/2026-02-28T05:30:00Z", {"puddle"}),
        ("2026-02-28/2026-02-28", {"flood", "puddle", "lamp"}),
        ("2026-02-27/2026-03-01", ALL),
        ("2026-02-28T05:30:00Z/2026-02-28", {"puddle", "lamp"}),
        # Open ends, by two dots or by nothing.
        ("2026-02-28/..", {"flood", "puddle", "lamp", "bin", "wish"}),
        ("2026-02-28/", {"flood", "puddle", "lamp", "bin", "wish"}),
        ("../2026-02-27", {"heap"}),
        ("/2026-02-27", {"heap"}),
        ("../2026-02-27T17:00:00Z", {"heap", "flood"}),
        ("2026-03-01T04:00:00Z/..", {"wish"}),
        ("2026-03-01T04:00:00.000001Z/..", set()),
        # QGIS writes an open end so.
        ("0001-01-01T00:00:00Z/2026-02-27T17:00:00Z", {"heap", "flood"}),
        ("2026-02-28T17:00:00Z/9999-12-31T00:00:00Z", {"bin", "wish"}),
    ],
)
def test_req_core_fc_time_response_just_the_reports_of_that_time(
    client: Client, reports: dict[str, str], text: str, expected: set[str]
) -> None:
    answer = items(client, "reports", {"datetime": text})
    assert set(ids(answer)) == {reports[name] for name in expected}
    assert answer["numberMatched"] == len(expected)


def test_req_core_fc_time_response_c_a_feature_without_a_time_matches_every_time(client: Client) -> None:
    """Part C: the parameter shall match all features that have no temporal geometry, too.

    The air gauge was read on 1 March at 01:00Z; the water gauge never was, so it is in either answer.
    """
    for text, expected in (
        ("2026-03-01T01:00:00Z", ["pos-air", "pos-udara"]),
        ("2026-02-01/2026-02-02", ["pos-air"]),
    ):
        features = items(client, "sensors", {"datetime": text})["features"]
        assert sorted(feature["properties"]["thing"] for feature in features) == expected


@pytest.mark.parametrize("collection", ["cities", "districts", "subdistricts"])
def test_req_core_fc_time_response_c_areas_have_no_time_and_match_every_time(client: Client, collection: str) -> None:
    everything = ids(items(client, collection))
    assert ids(items(client, collection, {"datetime": "1990-01-01"})) == everything


def test_datetime_chooses_the_period_that_a_figure_counts(client: Client) -> None:
    """Density has no time of its own: its areas are all there, the count is of the city's days asked for."""
    for text, counts in (("2026-02-28", [2, 1]), ("2026-02-28/2026-03-01", [2, 3]), ("2026-02-27", [1, 0])):
        features = items(client, "density", {"datetime": text})["features"]
        assert [feature["properties"]["reports"] for feature in features] == counts, text


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_req_core_fc_time_definition_every_collection_takes_and_checks_it(client: Client, collection: str) -> None:
    needed = REQUIRED.get(collection, {})
    path = f"/ogc/collections/{collection}/items"
    assert ask(client, path, {**needed, "datetime": "2026-02-01/2026-02-20"})["type"] == "FeatureCollection"
    assert refused(client, path, {**needed, "datetime": "yesterday"}) == "datetime"


def test_datetime_and_the_layers_own_period_do_not_go_together(client: Client) -> None:
    assert (
        refused(client, "/ogc/collections/density/items", {"datetime": "2026-02-28", "start": "2026-02-28"})
        == "datetime"
    )


def test_start_and_end_of_reports_are_the_citys_days_too(client: Client, reports: dict[str, str]) -> None:
    found = ids(items(client, "reports", {"start": "2026-02-28", "end": "2026-02-28"}))
    assert set(found) == {reports[name] for name in ("flood", "puddle", "lamp")}
