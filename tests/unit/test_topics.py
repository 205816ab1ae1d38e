import pytest

from sensors.ingest.topics import Topic, format_topic, parse_topic, topic_filter


def test_topic_names_a_thing_and_a_property() -> None:
    assert parse_topic("sensors/river-p2c/river_level") == Topic("river-p2c", "river_level")


def test_topic_of_a_thing_alone_leaves_the_property_to_the_payload() -> None:
    assert parse_topic("sensors/river-p2c") == Topic("river-p2c", None)


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "sensors",
        "sensors/",
        "sensors//pm25",
        "sensors/a/",
        "/sensors/a/pm25",
        "sensors/a/pm25/x",
        "Sensors/a/pm25",
        "devices/a/pm25",
        "sensors/" + "a" * 300,
    ],
)
def test_every_other_topic_is_none(topic: str) -> None:
    assert parse_topic(topic) is None


def test_a_formatted_topic_reads_back_as_the_same() -> None:
    assert parse_topic(format_topic("a", "pm25")) == Topic("a", "pm25")


def test_only_slots_share_a_subscription() -> None:
    assert topic_filter(0) == "sensors/#"
    assert topic_filter(2) == "$share/pantau/sensors/#"
