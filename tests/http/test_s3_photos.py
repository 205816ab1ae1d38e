"""Photos in a bucket: a real S3 server on this machine, spoken to over HTTP."""

import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.test import Client
from moto.server import ThreadedMotoServer
from PIL import Image

from geo.reports.models import Report, ReportPhoto
from geo.reports.photos.cleaning import clean_photo
from geo.reports.photos.stored import StoredFiles, delete_photos
from geo.reports.photos.sweep import sweep_photos
from server.core import env
from tests.photo_files import encoded, tagged

URL = "/api/reports/"
FORM = {"category": "sampah", "lon": "106.93", "lat": "-6.25"}
BUCKET = "foto-laporan"
RED = encoded(Image.new("RGB", (640, 480), "red"), "JPEG", exif=tagged())

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("city", "categories")]


@pytest.fixture(scope="module")
def s3() -> Iterator[ThreadedMotoServer]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def bucket(s3: ThreadedMotoServer, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The bucket, empty; the service is told of it by the variables of its environment."""
    host, port = s3.get_host_and_port()
    variables = {
        "PANTAU_S3_ENDPOINT": f"http://{host}:{port}",
        "PANTAU_S3_REGION": "ap-southeast-3",
        "PANTAU_S3_ACCESS_KEY": "pantau",
        "PANTAU_S3_SECRET_KEY": "only-for-a-test",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    settings.STORAGES = settings.STORAGES | {"default": env.bucket(BUCKET)}
    resource = boto3.resource(
        "s3",
        endpoint_url=variables["PANTAU_S3_ENDPOINT"],
        region_name=variables["PANTAU_S3_REGION"],
        aws_access_key_id="pantau",
        aws_secret_access_key="only-for-a-test",
    )
    made = resource.create_bucket(
        Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": variables["PANTAU_S3_REGION"]}
    )
    yield made
    made.objects.delete()
    made.delete()


def names(bucket: Any) -> list[str]:
    return sorted(each.key for each in bucket.objects.all())


def form(*contents: bytes) -> dict[str, Any]:
    return FORM | {"photos": [SimpleUploadedFile("foto.jpg", content, "image/jpeg") for content in contents]}


def send(client: Client) -> dict[str, Any]:
    answer = client.post(URL, form(RED))
    assert answer.status_code == 201, answer.content
    told: dict[str, Any] = answer.json()
    return told


def size(answer: Any) -> tuple[int, int]:
    assert answer.status_code == 200, answer.content
    return Image.open(io.BytesIO(b"".join(answer.streaming_content))).size


def test_photo_goes_into_the_bucket_with_its_thumbnail_and_without_its_metadata(client: Client, bucket: Any) -> None:
    send(client)
    photo = ReportPhoto.objects.get()
    assert names(bucket) == [photo.image.name, photo.thumbnail.name]
    for name in names(bucket):
        stored = bucket.Object(name).get()
        content = stored["Body"].read()
        assert stored["ContentType"] == "image/jpeg"
        assert Image.open(io.BytesIO(content)).format == "JPEG"
        assert b"Exif" not in content


def test_photo_is_read_through_the_service_and_no_address_of_the_bucket_is_told(client: Client, bucket: Any) -> None:
    told = send(client)
    for which, expected in (("photos", (640, 480)), ("thumbnails", (320, 240))):
        (url,) = told[which]
        assert url.startswith("http://testserver/api/reports/")
        answer = client.get(url)
        assert size(answer) == expected
        assert (answer["Content-Type"], answer["X-Content-Type-Options"]) == ("image/jpeg", "nosniff")
        assert BUCKET not in str(answer.headers)
    assert BUCKET not in str(told)


def test_objects_are_for_nobody_but_the_service(client: Client, bucket: Any) -> None:
    send(client)
    for name in names(bucket):
        grants = bucket.Object(name).Acl().grants
        assert [grant["Grantee"]["Type"] for grant in grants] == ["CanonicalUser"]


def test_photo_that_is_refused_leaves_no_object(client: Client, bucket: Any) -> None:
    answer = client.post(URL, form(RED, b"<svg/>"))
    assert answer.status_code == 400
    assert names(bucket) == []


def test_objects_of_a_transaction_that_fails_are_taken_away(client: Client, bucket: Any) -> None:
    send(client)
    owned = names(bucket)
    photo = clean_photo(encoded(Image.new("RGB", (9, 9)), "PNG"), "a.png")
    # The second is the same one again, which the table does not take.
    with pytest.raises(IntegrityError), StoredFiles() as files, transaction.atomic():
        files.store(Report.objects.get(), [photo, photo])
    assert names(bucket) == owned


def test_photos_of_an_erased_report_are_gone_from_the_bucket(client: Client, bucket: Any) -> None:
    send(client)
    with transaction.atomic():
        delete_photos(Report.objects.get())
        assert len(names(bucket)) == 2
    assert names(bucket) == []


def test_photo_from_before_there_were_thumbnails_has_one_all_the_same(client: Client, bucket: Any) -> None:
    told = send(client)
    ReportPhoto.objects.update(thumbnail="")
    assert size(client.get(told["thumbnails"][0])) == (320, 240)


def test_photo_whose_object_is_gone_is_404(client: Client, bucket: Any) -> None:
    told = send(client)
    bucket.objects.delete()
    for url in (*told["photos"], *told["thumbnails"]):
        answer = client.get(url)
        assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")


def test_objects_that_no_row_names_are_swept_after_a_day(client: Client, bucket: Any) -> None:
    send(client)
    owned = names(bucket)
    bucket.put_object(Key=f"photos/2026/03/{'0f' * 16}.jpg", Body=RED)
    bucket.put_object(Key="logo.jpg", Body=RED)
    now = datetime.now(UTC)
    assert sweep_photos(now) == 0
    assert sweep_photos(now + timedelta(days=1, minutes=1)) == 1
    assert names(bucket) == sorted(["logo.jpg", *owned])


def test_bucket_that_is_away_is_503_in_a_sentence(
    client: Client, bucket: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = send(client)
    # Nothing listens on the discard port.
    monkeypatch.setenv("PANTAU_S3_ENDPOINT", "http://127.0.0.1:9")
    settings.STORAGES = settings.STORAGES | {"default": env.bucket(BUCKET)}
    read = client.get(told["photos"][0], headers={"Accept-Language": "en"})
    assert (read.status_code, read["Retry-After"]) == (503, "30")
    assert read.json()["detail"] == "Photos cannot be read at the moment; try again later."
    written = client.post(URL, form(RED))
    assert (written.status_code, written["Retry-After"]) == (503, "30")
    for answer in (read, written):
        assert "127.0.0.1" not in answer.content.decode()
    assert Report.objects.count() == 1
    # What cannot be deleted now is left to the sweep: the erasure itself is done.
    assert delete_photos(Report.objects.get()) == 1
    assert not ReportPhoto.objects.exists()
