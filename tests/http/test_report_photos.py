"""Photos over HTTP: taken in clean or not at all, served with safe headers, and gone from the disk when they are gone."""

import http.client
import io
import json
import socket
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from PIL import Image

from geo.reports.models import Report, ReportPhoto
from geo.reports.photos.stored import delete_photos
from geo.reports.photos.sweep import sweep_photos
from server.run.said import wait_until
from tests.factories import make_city
from tests.photo_files import encoded, header, jpeg, png, tagged, zip_file

URL = "/api/reports/"
FORM = {"category": "sampah", "lon": "106.93", "lat": "-6.25"}
RED = encoded(Image.new("RGB", (640, 480), "red"), "JPEG")
LARGE = encoded(Image.effect_noise((3000, 2000), 90).convert("RGB"), "JPEG", quality=95)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("city", "categories")]


@pytest.fixture
def uploads(settings: Any, tmp_path: Path) -> Path:
    """Where what is uploaded lies until it was looked at."""
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path)
    return tmp_path


@pytest.fixture
def media(settings: Any) -> Callable[[], list[Path]]:
    return lambda: sorted(path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file())


def is_empty_soon(folder: Path) -> bool:
    """The server closes what was uploaded when it has sent its answer, which the client may have before that."""
    return wait_until(lambda: not list(folder.iterdir()), seconds=20, every=0.02)


def form(*contents: bytes, name: str = "foto.jpg", **more: str) -> dict[str, Any]:
    return FORM | more | {"photos": [SimpleUploadedFile(name, content, "image/jpeg") for content in contents]}


def send(client: Client, *contents: bytes, **more: str) -> dict[str, Any]:
    answer = client.post(URL, form(*contents, **more))
    assert answer.status_code == 201, answer.content
    told: dict[str, Any] = answer.json()
    return told


def body(answer: Any) -> bytes:
    return b"".join(answer.streaming_content)


def size(content: bytes) -> tuple[int, int]:
    image = Image.open(io.BytesIO(content))
    assert image.format == "JPEG"
    return image.size


def test_photo_and_thumbnail_are_named_in_the_answer_and_served(client: Client) -> None:
    told = send(client, RED)
    assert told["photos"] == [f"http://testserver/api/reports/{told['id']}/photos/1/"]
    assert told["thumbnails"] == [f"http://testserver/api/reports/{told['id']}/photos/1/thumbnail/"]
    assert size(body(client.get(told["photos"][0]))) == (640, 480)
    assert size(body(client.get(told["thumbnails"][0]))) == (320, 240)


@pytest.mark.parametrize("which", ["photos", "thumbnails"])
def test_served_photo_can_be_nothing_but_a_photo(client: Client, which: str) -> None:
    served = client.get(send(client, RED)[which][0], headers={"Accept": "image/avif,image/webp"})
    names = (
        "Content-Type",
        "X-Content-Type-Options",
        "Content-Security-Policy",
        "Content-Disposition",
        "Cache-Control",
    )
    assert [served[name] for name in names] == [
        "image/jpeg",
        "nosniff",
        "default-src 'none'; sandbox",
        "inline",
        "public, max-age=60",
    ]


@pytest.mark.parametrize("which", ["photos", "thumbnails"])
def test_photo_that_the_client_has_is_not_sent_again(client: Client, which: str) -> None:
    url = send(client, RED)[which][0]
    tag = client.get(url)["ETag"]
    again = client.get(url, headers={"If-None-Match": tag})
    assert (again.status_code, again["ETag"], again["Cache-Control"]) == (304, tag, "public, max-age=60")


def test_photo_and_its_thumbnail_have_different_tags(client: Client) -> None:
    told = send(client, RED)
    assert client.get(told["photos"][0])["ETag"] != client.get(told["thumbnails"][0])["ETag"]


@pytest.mark.parametrize("number", [0, 2, 10**30])
@pytest.mark.parametrize("rest", ["", "thumbnail/"])
def test_photo_that_the_report_does_not_have_is_404(client: Client, number: int, rest: str) -> None:
    told = send(client, RED)
    assert client.get(f"/api/reports/{told['id']}/photos/{number}/{rest}").status_code == 404


def test_photos_of_a_hidden_report_are_for_staff_alone_and_stay_in_no_shared_cache(
    client: Client, admin_client: Client
) -> None:
    told = send(client, RED)
    Report.objects.update(is_public=False)
    for url in (*told["photos"], *told["thumbnails"]):
        assert client.get(url).status_code == 404
        served = admin_client.get(url)
        assert (served.status_code, served["Cache-Control"]) == (200, "private, max-age=60")


def test_photo_from_before_there_were_thumbnails_has_one_all_the_same(client: Client) -> None:
    told = send(client, RED)
    ReportPhoto.objects.update(thumbnail="")
    assert size(body(client.get(told["thumbnails"][0]))) == (320, 240)


def test_time_and_distance_are_kept_for_the_check_and_told_to_nobody(client: Client) -> None:
    # One minute of latitude south of the report. A degree of the meridian at 6.26 degrees is 110,587.5 m (WGS 84:
    # 111,132.954 - 559.822 cos 2x + 1.175 cos 4x), and 1,843.1 m its sixtieth part.
    exif = tagged(latitude=(6.0, 16.0, 0.0), longitude=(106.0, 55.0, 48.0))
    told = send(client, encoded(Image.new("RGB", (64, 48)), "JPEG", exif=exif))
    photo = ReportPhoto.objects.get()
    assert photo.distance_m == 1843
    assert photo.taken_at == datetime(2026, 3, 1, 4, 58, 30, tzinfo=UTC)  # 11.58 in Bekasi
    shown = json.dumps([told, client.get(f"/api/reports/{told['id']}/").json(), client.get(URL).json()])
    for secret in ("taken", "distance", "1843", "58:30"):
        assert secret not in shown
    for url in (*told["photos"], *told["thumbnails"]):
        served = client.get(url)
        assert b"Exif" not in body(served)
        assert "2026" not in str({name: value for name, value in served.items() if name != "Date"})


def test_time_without_an_offset_is_a_time_of_the_city_in_which_the_report_lies(client: Client) -> None:
    make_city("makassar", west=119.4, south=-5.2, timezone="Asia/Makassar")
    send(client, encoded(Image.new("RGB", (8, 8)), "JPEG", exif=tagged()), lon="119.43", lat="-5.15")
    assert ReportPhoto.objects.get().taken_at == datetime(2026, 3, 1, 3, 58, 30, tzinfo=UTC)


def test_distance_needs_both_places(client: Client) -> None:
    send(client, encoded(Image.new("RGB", (8, 8)), "JPEG"))
    assert ReportPhoto.objects.get().distance_m is None


REFUSED = {
    "a PNG of 30,000 by 30,000 pixels": png(header(30_000, 30_000), (b"IDAT", zlib.compress(bytes(1000)))),
    "a JPEG of a thousand scans": jpeg(8000, 8000, scans=1000, frame=0xC2),
    "a PNG that is cut off": encoded(Image.effect_noise((900, 900), 90).convert("RGB"), "PNG")[:1_000_000],
    "an SVG": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    "a page": b"<!doctype html><script>alert(1)</script>",
    "a GIF": encoded(Image.new("RGB", (8, 8)), "GIF"),
    "a PDF before a photo": b"%PDF-1.7\n" + RED,
    "30 MB": RED + bytes(30_000_000),
    "nothing": b"",
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("content", REFUSED.values(), ids=REFUSED)
def test_what_is_refused_leaves_nothing_on_the_disk(
    live_server: Any, uploads: Path, media: Callable[[], list[Path]], content: bytes
) -> None:
    odd = SimpleUploadedFile("odd.jpg", content, "image/jpeg")
    sent = encode_multipart(BOUNDARY, FORM | {"photos": [SimpleUploadedFile("a.jpg", RED), odd]})
    with closing(http.client.HTTPConnection(urlsplit(live_server.url).netloc, timeout=60)) as server:
        server.request("POST", URL, sent, {"Content-Type": MULTIPART_CONTENT})
        answer = server.getresponse()
        told = json.load(answer)
    assert (answer.status, answer.headers["Content-Type"]) == (400, "application/problem+json"), told
    assert list(told["errors"]) == ["photos"]
    assert "odd.jpg" in str(told["errors"]) or content == b""
    assert not Report.objects.exists()
    assert media() == []
    assert is_empty_soon(uploads)


@pytest.mark.django_db(transaction=True)
def test_photo_of_more_than_memory_holds_passes_through_the_upload_folder_and_leaves_it(
    live_server: Any, settings: Any, uploads: Path
) -> None:
    assert len(LARGE) > 3_500_000 > settings.FILE_UPLOAD_MAX_MEMORY_SIZE
    sent = encode_multipart(BOUNDARY, form(LARGE))
    with closing(http.client.HTTPConnection(urlsplit(live_server.url).netloc, timeout=60)) as server:
        server.request("POST", URL, sent, {"Content-Type": MULTIPART_CONTENT})
        assert server.getresponse().status == 201
    assert is_empty_soon(uploads)


@pytest.mark.django_db(transaction=True)
def test_upload_that_breaks_off_leaves_no_file(
    live_server: Any, uploads: Path, media: Callable[[], list[Path]]
) -> None:
    sent = encode_multipart(BOUNDARY, form(LARGE))
    head = f"POST {URL} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {MULTIPART_CONTENT}\r\n"
    address = urlsplit(live_server.url)
    with socket.create_connection((address.hostname, address.port), timeout=60) as server:
        server.sendall(f"{head}Content-Length: {len(sent)}\r\n\r\n".encode() + sent[:3_000_000])
        server.shutdown(socket.SHUT_WR)
        assert server.recv(200)
    assert media() == []
    assert is_empty_soon(uploads)


def test_six_photos_are_too_many(client: Client, media: Callable[[], list[Path]]) -> None:
    answer = client.post(URL, form(*[RED] * 6))
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["photos"])
    assert media() == []


def test_file_that_is_a_photo_and_an_archive_is_stored_as_a_photo_alone(
    client: Client, media: Callable[[], list[Path]]
) -> None:
    send(client, RED + zip_file())
    assert sorted(size(path.read_bytes()) for path in media()) == [(320, 240), (640, 480)]
    assert not any(zipfile.is_zipfile(path) for path in media())


def test_no_file_is_named_as_it_was_sent(client: Client, media: Callable[[], list[Path]]) -> None:
    client.post(URL, form(RED, name="../../3275014107900001.php"))
    assert {(path.parts[-4], path.suffix, len(path.stem)) for path in media()} == {
        ("photos", ".jpg", 32),
        ("thumbnails", ".jpg", 32),
    }


@pytest.fixture
def one_row_too_many(transactional_db: None) -> Iterator[None]:
    """The database refuses a second photo; of photos 30 pixels wide it does so only when the transaction is committed."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            CREATE FUNCTION no_more_photos() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'no more photos'; END $$;
            CREATE TRIGGER at_once BEFORE INSERT ON geo_reportphoto FOR EACH ROW
                WHEN (NEW.width = 20) EXECUTE FUNCTION no_more_photos();
            CREATE CONSTRAINT TRIGGER at_the_end AFTER INSERT ON geo_reportphoto DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
                WHEN (NEW.width = 30) EXECUTE FUNCTION no_more_photos();
            """
        )
    yield
    with connection.cursor() as cursor:
        cursor.execute(
            """
            DROP TRIGGER at_once ON geo_reportphoto;
            DROP TRIGGER at_the_end ON geo_reportphoto;
            DROP FUNCTION no_more_photos();
            """
        )


@pytest.mark.usefixtures("one_row_too_many")
@pytest.mark.parametrize("width", [20, 30])
def test_files_go_when_the_database_does_not_take_their_rows(
    client: Client, media: Callable[[], list[Path]], width: int
) -> None:
    client.raise_request_exception = False
    odd = encoded(Image.new("RGB", (width, 40)), "PNG")
    assert client.post(URL, form(RED, odd)).status_code == 500
    assert not Report.objects.exists()
    assert media() == []


def test_photo_whose_file_is_gone_is_404(client: Client, media: Callable[[], list[Path]]) -> None:
    told = send(client, RED)
    for path in media():
        path.unlink()
    for url in (*told["photos"], *told["thumbnails"]):
        answer = client.get(url)
        assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")


def test_photo_that_cannot_be_read_now_is_503_and_says_nothing_of_where_it_lies(
    client: Client, media: Callable[[], list[Path]]
) -> None:
    told = send(client, RED)
    for path in media():
        path.unlink()
        path.mkdir()
    for url in (*told["photos"], *told["thumbnails"]):
        answer = client.get(url, headers={"Accept-Language": "en"})
        assert (answer.status_code, answer["Retry-After"], answer["Cache-Control"]) == (503, "30", "private, no-store")
        assert answer.json()["detail"] == "Photos cannot be read at the moment; try again later."
        assert str(path) not in answer.content.decode()


def test_report_whose_photos_cannot_be_stored_is_not_taken(client: Client, settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "full"
    settings.MEDIA_ROOT.write_text("a file, where a folder should be")
    answer = client.post(URL, form(RED), headers={"Accept-Language": "en"})
    assert (answer.status_code, answer["Retry-After"]) == (503, "30")
    assert answer.json()["detail"] == (
        "Photos cannot be stored at the moment; try again later, or send the report without them."
    )
    assert not Report.objects.exists()
    assert client.post(URL, FORM).status_code == 201


@pytest.mark.django_db(transaction=True)
def test_files_of_deleted_photos_go_when_that_is_committed_and_not_before(
    client: Client, media: Callable[[], list[Path]]
) -> None:
    send(client, RED, encoded(Image.new("RGB", (9, 9)), "PNG"))
    report = Report.objects.get()
    with transaction.atomic():
        assert delete_photos(report) == 2
        assert len(media()) == 4
        transaction.set_rollback(True)
    assert (report.photos.count(), len(media())) == (2, 4)
    assert delete_photos(report) == 2
    assert (report.photos.count(), media()) == (0, [])
    assert delete_photos(report) == 0


@pytest.mark.django_db(transaction=True)
def test_files_go_with_a_row_that_is_deleted_by_any_way(client: Client, media: Callable[[], list[Path]]) -> None:
    send(client, RED)
    ReportPhoto.objects.all().delete()
    assert media() == []


def test_files_that_no_row_names_are_swept_after_a_day(
    client: Client, settings: Any, media: Callable[[], list[Path]], capsys: Any
) -> None:
    send(client, RED)
    owned = media()
    folder = Path(settings.MEDIA_ROOT) / "photos/2026/03"
    folder.mkdir(parents=True)
    left, of_others = folder / f"{'0f' * 16}.jpg", folder / "logo.jpg"
    for path in (left, of_others):
        path.write_bytes(RED)
    now = datetime.now(UTC)
    assert sweep_photos(now) == 0
    call_command("sweep_photos")
    assert capsys.readouterr().out == "0 files deleted\n"
    assert sweep_photos(now + timedelta(days=1, minutes=1)) == 1
    assert media() == sorted([*owned, of_others])


def test_sweep_of_a_storage_that_was_never_written_to_finds_nothing() -> None:
    assert sweep_photos(datetime.now(UTC)) == 0


def test_schema_tells_of_photos_and_thumbnails(client: Client) -> None:
    schema = client.get("/api/schema/", headers={"Accept": "application/json"}).json()
    paths = {path for path in schema["paths"] if "photos" in path}
    assert paths == {
        "/api/reports/{public_id}/photos/{number}/",
        "/api/reports/{public_id}/photos/{number}/thumbnail/",
    }
    assert "thumbnails" in schema["components"]["schemas"]["Report"]["properties"]
