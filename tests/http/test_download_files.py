"""Downloads that are made as files: kept, resumed by ranges, bounded, and given up when nobody waits."""

import os
import socket
import threading
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client, RequestFactory

from geo.areas.models import City
from geo.layers.catalogue import layer_by_id
from geo.layers.export import making, spool
from geo.layers.layer import Condition
from geo.layers.select import snapshot
from geo.ogc import downloads
from geo.ogc.files import client_is_gone
from tests.factories import make_report
from tests.http.downloading import get, table

pytestmark = pytest.mark.django_db

SPOOLED = {"fgb": "flatgeobuf", "gpkg": "gpkg", "shp.zip": "shp-zip", "parquet": "geoparquet", "xlsx": "xlsx"}


@pytest.fixture(autouse=True)
def _own_home(settings: Any, tmp_path: Path) -> None:
    settings.HOME = tmp_path


def kept(tmp_path: Path) -> list[str]:
    folder = tmp_path / "downloads"
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock") if folder.exists() else []


@pytest.mark.parametrize("extension", ["csv", "geojsonl", *SPOOLED])
def test_a_download_that_the_client_has_is_not_sent_again(client: Client, city: City, extension: str) -> None:
    make_report()
    etag = get(client, f"/layers/reports.{extension}")["ETag"]
    again = get(client, f"/layers/reports.{extension}", if_none_match=etag)
    assert (again.status_code, again.body, again["ETag"]) == (304, b"", etag)
    make_report()
    assert get(client, f"/layers/reports.{extension}", if_none_match=etag).status_code == 200


def test_an_answer_not_changed_costs_neither_rows_nor_a_file(
    client: Client, city: City, tmp_path: Path, django_assert_max_num_queries: Any
) -> None:
    make_report()
    etag = get(client, "/layers/reports.gpkg")["ETag"]
    for name in kept(tmp_path):
        (tmp_path / "downloads" / name).unlink()
    with django_assert_max_num_queries(2):
        assert get(client, "/layers/reports.gpkg", if_none_match=etag).status_code == 304
    assert kept(tmp_path) == []


@pytest.mark.parametrize("name", SPOOLED.values())
def test_a_file_says_its_length_and_takes_ranges(client: Client, city: City, name: str) -> None:
    make_report()
    path = f"/ogc/collections/reports/items?f={name}"
    whole = get(client, path)
    assert whole["Accept-Ranges"] == "bytes"
    assert whole["Content-Length"] == str(len(whole.body))
    part = get(client, path, range="bytes=10-19", if_range=whole["ETag"])
    assert (part.status_code, part.body) == (206, whole.body[10:20])
    assert part["Content-Range"] == f"bytes 10-19/{len(whole.body)}"
    assert part["Content-Length"] == "10"


def test_the_forms_of_a_range(client: Client, city: City) -> None:
    make_report()
    whole = get(client, "/layers/reports.gpkg").body
    size = len(whole)

    def part(text: str) -> tuple[int, bytes]:
        response = get(client, "/layers/reports.gpkg", range=text)
        return response.status_code, response.body

    assert part(f"bytes={size - 5}-") == (206, whole[-5:])
    assert part("bytes=-5") == (206, whole[-5:])
    assert part(f"bytes=0-{size + 100}") == (206, whole)
    for ignored in ("bytes=5-2", "bytes=-", "lines=1-2", "bytes=0-1,4-5", "bytes=a-b"):
        assert part(ignored) == (200, whole)
    for outside in (f"bytes={size}-", "bytes=-0"):
        response = get(client, "/layers/reports.gpkg", range=outside)
        assert response.status_code == 416
        assert response["Content-Range"] == f"bytes */{size}"


def test_a_range_of_another_file_is_answered_with_the_whole(client: Client, city: City) -> None:
    make_report()
    before = get(client, "/layers/reports.gpkg")
    make_report()
    after = get(client, "/layers/reports.gpkg", range="bytes=10-19", if_range=before["ETag"])
    assert after.status_code == 200
    assert after["ETag"] != before["ETag"]


def test_a_file_made_again_has_another_tag_so_that_its_bytes_are_never_mixed(
    client: Client, city: City, tmp_path: Path
) -> None:
    make_report()
    before = get(client, "/layers/reports.gpkg")
    assert get(client, "/layers/reports.gpkg")["ETag"] == before["ETag"]
    (tmp_path / "downloads" / kept(tmp_path)[0]).unlink()
    after = get(client, "/layers/reports.gpkg", range="bytes=10-19", if_range=before["ETag"])
    assert (after.status_code, after["ETag"] == before["ETag"]) == (200, False)


def test_a_file_is_not_compressed_for_its_ranges_sake(client: Client, city: City) -> None:
    make_report()
    assert "Content-Encoding" not in get(client, "/layers/reports.gpkg", accept_encoding="gzip").headers
    for _ in range(20):
        make_report()
    assert get(client, "/layers/reports.csv", accept_encoding="gzip")["Content-Encoding"] == "gzip"


def test_head_of_a_file_tells_its_length_without_a_body(client: Client, city: City) -> None:
    make_report()
    head = client.head("/layers/reports.gpkg")
    assert b"".join(head.streaming_content) == b""
    whole = get(client, "/layers/reports.gpkg")
    assert (head["Content-Length"], head["ETag"]) == (str(len(whole.body)), whole["ETag"])


def test_old_files_are_removed_and_so_are_the_oldest_beyond_the_bound(
    client: Client, city: City, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_report()
    sizes = []
    for i, limit in enumerate((1, 2, 3)):
        sizes.append(len(get(client, f"/layers/reports.gpkg?limit={limit}").body))
        for name in kept(tmp_path):
            path = tmp_path / "downloads" / name
            os.utime(path, (path.stat().st_mtime - 10, path.stat().st_mtime - 10))
        assert len(kept(tmp_path)) == i + 1
    monkeypatch.setattr(spool, "MOST_BYTES", sizes[1] + sizes[2])
    spool.remove_old()
    assert len(kept(tmp_path)) == 2
    monkeypatch.setattr(spool, "KEEP_S", 15)
    spool.remove_old()
    assert len(kept(tmp_path)) == 1


def test_no_more_files_are_made_at_once_than_may_be_and_none_waits_in_a_thread(client: Client, city: City) -> None:
    with spool._slot("making", 2) as first, spool._slot("making", 2) as second:
        assert (first, second) == (True, True)
        busy = get(client, "/layers/reports.gpkg")
        assert (busy.status_code, busy["Retry-After"]) == (503, "10")
        assert get(client, "/layers/reports.csv").status_code == 200
    assert get(client, "/layers/reports.gpkg").status_code == 200


def test_a_stream_holds_its_place_until_it_ends_or_is_closed(
    client: Client, city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_report()
    monkeypatch.setattr(spool, "MOST_STREAMING", 1)
    pieces = downloads._pieces(_asked("csv"))
    next(pieces)
    assert get(client, "/layers/reports.csv").status_code == 503
    pieces.close()
    assert get(client, "/layers/reports.csv").status_code == 200
    assert get(client, "/layers/reports.csv").status_code == 200


@pytest.mark.parametrize("gone", ["the client", "the time"])
def test_a_statement_without_rows_ends_soon_after_the_client_went_away_or_the_time_is_over(
    client: Client, city: City, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gone: str
) -> None:
    make_report()
    if gone == "the time":
        monkeypatch.setattr(making, "LONGEST_S", 0)
    export = _export("gpkg", Condition("pg_sleep(120) IS NULL", {}))
    began = time.monotonic()
    with pytest.raises(making.Abandoned), snapshot():
        making.make_file(export, tmp_path / "file", is_abandoned=lambda: gone == "the client")
    assert time.monotonic() - began < 5
    # Neither the connection is left in the midst of it, nor a thread that would cancel what comes next.
    assert "download" not in [thread.name for thread in threading.enumerate()]
    assert len(table(client, "/layers/reports.csv")) == 1


def test_a_cancellation_that_comes_between_two_statements_is_made_up_for(
    client: Client, city: City, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_report()
    monkeypatch.setattr(making, "LOOK_EVERY_S", 0.001)
    began = time.monotonic()
    with pytest.raises(making.Abandoned), snapshot():
        making.make_file(
            _export("gpkg", Condition("pg_sleep(120) IS NULL", {})), tmp_path / "file", is_abandoned=lambda: True
        )
    assert time.monotonic() - began < 5


def test_what_follows_a_making_that_was_given_up_is_never_cancelled(
    client: Client, city: City, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_report()
    monkeypatch.setattr(making, "LOOK_EVERY_S", 0.001)
    for _ in range(20):
        with suppress(making.Abandoned), snapshot():
            making.make_file(_export("gpkg"), tmp_path / "file", is_abandoned=lambda: True)
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM generate_series(1, 20000)")
            assert cursor.fetchone()[0] == 20_000


def test_a_connection_that_was_closed_is_noticed_without_taking_what_was_sent() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        request = RequestFactory().get("/", **{"gunicorn.socket": ours})
        assert not client_is_gone(request)
        theirs.send(b"GET")
        assert not client_is_gone(request)
        assert ours.recv(3) == b"GET"
        theirs.close()
        assert client_is_gone(request)
    assert not client_is_gone(RequestFactory().get("/"))


def _asked(name: str) -> downloads.Download:
    return downloads.read_download(RequestFactory().get("/layers/reports"), layer_by_id("reports"), name, {})


def _export(name: str, condition: Condition | None = None) -> making.Export:
    found = _asked(name)
    rows = found.rows()
    query = replace(rows.selection.query, condition=condition)
    rows = replace(rows, selection=replace(rows.selection, query=query))
    return making.Export(name, rows, found.asked.output, "Laporan", "", {}, "Asia/Jakarta")


def test_an_encoder_that_fails_leaves_nothing_behind_and_is_no_success(
    client: Client, city: City, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_report()
    monkeypatch.setattr(making, "BLOCK_BYTES", -1)
    client.raise_request_exception = False
    assert get(client, "/layers/reports.parquet").status_code == 500
    assert kept(tmp_path) == []
    monkeypatch.undo()
