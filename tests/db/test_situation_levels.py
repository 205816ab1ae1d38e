"""What the situation report says of levels: those of the alert rules, as the alerts themselves have them."""

from datetime import timedelta

import pytest
from django.utils import translation

from geo.areas.models import City
from geo.models import Alert
from geo.operations.duty.rendering import as_html, as_text
from geo.operations.duty.situation import situation
from tests.alerts import evaluate_alerts, make_alert
from tests.db.alert_gauges import city as city
from tests.db.alert_gauges import gauge, measured, rule
from tests.factories import NOW

pytestmark = pytest.mark.django_db
SINCE = NOW - timedelta(days=1)


def test_what_has_an_open_alert_is_above_a_level_and_the_report_does_not_say_that_nothing_is(city: City) -> None:
    rule(city)
    measured(gauge(), ("04:50", 480.0))
    evaluate_alerts(NOW)
    said = situation(city, SINCE, NOW)
    assert [one["level"] for one in said["alerts"]] == ["Siaga 2"]
    (sensor,) = said["sensors"]
    assert (sensor["thing"], sensor["result"], sensor["level"], sensor["at_least"], sensor["authority"]) == (
        "river-p2c", 480.0, "Siaga 2", 451.0, "KP2C",
    )  # fmt: skip
    with translation.override("en"):
        assert "No sensor is above an alert level." not in as_text(said)


def test_a_level_of_a_rule_is_said_before_its_alert_opens_and_after_somebody_closed_it(city: City) -> None:
    rule(city, opens_after_s=3600)
    measured(gauge(), ("04:50", 360.0))
    evaluate_alerts(NOW)
    assert not Alert.objects.exists()
    assert [one["level"] for one in situation(city, SINCE, NOW)["sensors"]] == ["Siaga 3"]


def test_while_the_alert_is_open_its_level_is_the_sensors(city: City) -> None:
    rule(city, hysteresis=20.0)
    measured(gauge(), ("04:40", 460.0), ("04:50", 445.0))
    evaluate_alerts(NOW)
    assert [(one["result"], one["level"]) for one in situation(city, SINCE, NOW)["sensors"]] == [(445.0, "Siaga 2")]


def test_a_rule_of_falling_values_names_the_lowest_that_is_reached(city: City) -> None:
    rule(city, direction="below", levels=[{"name": "Rendah", "from": 50}, {"name": "Kering", "from": 20}])
    measured(gauge("sumur-1"), ("04:50", 30.0))
    measured(gauge("sumur-2"), ("04:50", 19.0))
    measured(gauge("sumur-3"), ("04:50", 51.0))
    found = situation(city, SINCE, NOW)["sensors"]
    assert [(one["thing"], one["level"]) for one in found] == [("sumur-1", "Rendah"), ("sumur-2", "Kering")]


def test_a_thing_without_a_rule_has_no_level_whatever_its_properties_say(city: City) -> None:
    table = {
        "authority": "KP2C",
        "observed_property": "river_level",
        "unit": "cm",
        "levels": [{"name": "x", "from": 1}],
    }
    measured(gauge(properties={"alert_levels": [table]}), ("04:50", 480.0))
    assert situation(city, SINCE, NOW)["sensors"] == []


def test_an_open_alert_of_a_gauge_that_is_gone_is_said_from_the_alert(city: City) -> None:
    make_alert(city, stale_since=NOW)
    (sensor,) = situation(city, SINCE, NOW)["sensors"]
    assert (sensor["thing_name"], sensor["result"], sensor["unit"], sensor["level"], sensor["is_silent"]) == (
        "P2C", 400.0, "cm", "Siaga 3", True,
    )  # fmt: skip
    assert sensor["name_id"] == "river_level"


def test_many_gauges_are_read_with_as_many_queries_as_one(city: City, django_assert_max_num_queries: object) -> None:
    rule(city)
    for n in range(4):
        measured(gauge(f"river-{n}"), ("04:50", 480.0))
    evaluate_alerts(NOW)
    with django_assert_max_num_queries(11):  # type: ignore[operator]
        assert len(situation(city, SINCE, NOW)["sensors"]) == 4


def test_a_heading_stands_over_its_numbers_and_no_word_is_broken_in_two(city: City) -> None:
    make_alert(city)
    with translation.override("en"):
        page, _policy = as_html(situation(city, SINCE, NOW))
    assert '<th scope="col" class="number">Value</th>' in page
    assert '<td class="number">400.0 cm</td>' in page
    assert "anywhere" not in page
