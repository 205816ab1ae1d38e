"""manage ingest_status, as people and programs read it."""

import json

import pytest
from django.core.management import CommandError, call_command

from sensors.ingest.store import Store, open_status
from sensors.observations.rollups import refresh_all_rollups
from tests.sensor_factories import make_datastream, message

pytestmark = pytest.mark.django_db


def test_before_anything_has_come_it_says_so_and_what_to_look_at(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("ingest_status")
    out = capsys.readouterr().out
    assert "Nothing has come in yet." in out
    assert "no follower has read yet" in out
    assert "- No worker has written yet: is `ingest` running?" in out


def test_each_slot_is_a_row_of_a_table_in_line_with_its_header(capsys: pytest.CaptureFixture[str]) -> None:
    topic = f"sensors/{make_datastream().thing.slug}/pm25"
    for slot in (0, 12):
        open_status(slot)
    Store(slot=0).store([message(topic, f'{{"result": 1, "phenomenon_time": {1772337600 + n}}}') for n in range(3)])
    Store(slot=12).store([message(topic, "x"), message(topic, "y")])
    call_command("ingest_status")
    lines = capsys.readouterr().out.splitlines()
    header, first, second = lines[:3]
    assert header.split()[:5] == ["received", "stored", "repeated", "quarantined", "ignored"]
    assert first.split()[:7] == ["slot", "0", "3", "3", "0", "0", "0"]
    assert second.split()[:7] == ["slot", "12", "2", "0", "0", "2", "0"]
    assert {line[: header.index("stored") + len("stored")][-1] for line in (header, first, second)} == {"d", "3", "0"}
    assert "rollups: 1 dirty marks wait for refresh_rollups" in lines
    assert any(line.startswith("quarantine: 2 bad_json, the latest ") for line in lines)
    assert any(line.startswith("- 2 bad_json in quarantine: Send JSON in UTF-8") for line in lines)


def test_programs_get_all_of_it_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    open_status(0)
    Store(slot=0).store([message("x", "1")])
    refresh_all_rollups()
    call_command("ingest_status", "--json")
    told = json.loads(capsys.readouterr().out)
    slot = told["slots"][0]
    assert (slot["received"], slot["quarantined"], slot["acknowledged"]) == (1, 1, 0)
    assert [(each["reason"], each["kept"]) for each in told["quarantined"]] == [("bad_topic", 1)]
    assert [(each["reason"], each["messages"]) for each in told["quarantine"]] == [("bad_topic", 1)]
    assert told["dirty_marks"] == 0
    assert told["hints"]


@pytest.mark.parametrize("seconds", ["0", "-1", "4000", "nan"])
def test_pause_of_a_watch_is_a_sensible_one(seconds: str) -> None:
    with pytest.raises(CommandError, match="--watch takes seconds, up to an hour"):
        call_command("ingest_status", f"--watch={seconds}")
