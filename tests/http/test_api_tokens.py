"""Access tokens, HTTP Basic, and the keys of channels: what each opens, and how it ends."""

import base64
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client
from django.utils import timezone

from geo.areas.models import City
from geo.models import AccessToken, ChannelKey, CityRole, Report
from geo.reports.access.channel_keys import create_key, find_key, rotate_key
from geo.reports.access.tokens import create_token, revoke_token
from server.core.errors import InvalidFields
from tests.factories import make_channel, make_report
from tests.privacy_hunt.reading import body_of
from tests.saved_analyses import saved_by

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("categories")]
PASSWORD = "kuda-lumping-77"
TOKENS = "/api/tokens/"


@pytest.fixture
def user(city: City) -> User:
    found = User.objects.create_user("dewi", password=PASSWORD, is_staff=True)
    CityRole.objects.create(user=found, city=city, role="dispatcher")
    return found


def bearer(user: User, *scopes: str) -> dict[str, str]:
    _token, text = create_token(user=user, name="uji", scopes=scopes or ["read"], now=timezone.now())
    return {"Authorization": f"Bearer {text}"}


def basic(name: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


def private(report: Report) -> str:
    return f"/api/reports/{report.public_id}/private/"


# Made, shown once, listed, revoked


def test_a_token_is_shown_when_it_is_made_and_never_again(client: Client, user: User) -> None:
    client.force_login(user)
    made = client.post(TOKENS, {"name": "QGIS di kantor", "scopes": ["read"]}, "application/json")
    assert made.status_code == 201
    assert "no-store" in made["Cache-Control"]
    text = made.json()["token"]
    assert text.startswith(made.json()["prefix"] + ".")
    listed = client.get(TOKENS)
    assert [row["name"] for row in listed.json()["results"]] == ["QGIS di kantor"]
    assert text.partition(".")[2] not in listed.content.decode() + client.get(made["Location"]).content.decode()
    assert text not in str(AccessToken.objects.values().get())


def test_a_revoked_token_and_an_old_one_are_refused(client: Client, user: User) -> None:
    header = bearer(user)
    assert client.get("/api/reports/", headers=header).status_code == 200
    revoke_token(token=AccessToken.objects.get(), now=timezone.now())
    assert client.get("/api/reports/", headers=header).status_code == 401
    AccessToken.objects.update(revoked_at=None, expires_at=timezone.now())
    assert client.get("/api/reports/", headers=header).status_code == 401


def test_a_token_of_a_closed_account_opens_nothing(client: Client, user: User) -> None:
    header = bearer(user)
    User.objects.update(is_active=False)
    assert client.get("/api/reports/", headers=header).status_code == 401


def test_each_sees_and_revokes_their_own_tokens_alone(client: Client, user: User) -> None:
    bearer(user)
    other = AccessToken.objects.get()
    client.force_login(User.objects.create_user("budi", is_staff=True, is_superuser=True))
    assert client.get(TOKENS).json()["results"] == []
    assert client.get(f"{TOKENS}{other.pk}/").status_code == client.delete(f"{TOKENS}{other.pk}/").status_code == 404
    client.force_login(user)
    assert client.delete(f"{TOKENS}{other.pk}/").status_code == 204
    other.refresh_from_db()
    assert other.revoked_at is not None


def test_no_token_makes_another_one(client: Client, user: User) -> None:
    header = bearer(user, "read", "write")
    answer = client.post(TOKENS, {"name": "b", "scopes": ["write"]}, "application/json", headers=header)
    assert answer.status_code == 403
    assert AccessToken.objects.count() == 1


def test_who_has_not_signed_in_has_no_tokens(client: Client) -> None:
    answer = client.get(TOKENS)
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "a", "scopes": []}, "scopes"),
        ({"name": "a", "scopes": ["all"]}, "scopes"),
        ({"name": "a", "days": 731}, "days"),
    ],
)
def test_a_wrong_field_of_a_token_is_named(client: Client, user: User, given: dict[str, Any], field: str) -> None:
    client.force_login(user)
    answer = client.post(TOKENS, given, "application/json")
    assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])
    assert not AccessToken.objects.exists()


def test_the_fifty_first_token_is_refused(user: User) -> None:
    for _n in range(50):
        bearer(user)
    with pytest.raises(InvalidFields, match="50"):
        bearer(user)


def test_a_command_makes_a_token_and_prints_it_alone(client: Client, user: User) -> None:
    out = StringIO()
    call_command("create_token", "dewi", "cadangan", stdout=out, stderr=StringIO())
    header = {"Authorization": f"Bearer {out.getvalue().strip()}"}
    assert client.get(private(make_report()), headers=header).status_code == 200
    with pytest.raises(CommandError, match="nobody"):
        call_command("create_token", "nobody", "x")


# What it opens


def test_a_token_opens_what_its_user_may_see(client: Client, user: User) -> None:
    hidden = make_report(is_public=False)
    assert client.get(private(hidden)).status_code == 404
    answer = client.get(private(hidden), headers=bearer(user))
    assert (answer.status_code, answer["Cache-Control"]) == (200, "private, no-store")
    assert "Authorization" in answer["Vary"]


def test_a_token_opens_no_more_once_the_role_is_gone(client: Client, user: User) -> None:
    hidden, header = make_report(is_public=False), bearer(user)
    CityRole.objects.all().delete()
    assert client.get(private(hidden), headers=header).status_code == 404


def test_a_reading_token_changes_nothing(client: Client, user: User) -> None:
    report = make_report()
    path = f"/api/reports/{report.public_id}/status/?lang=en"
    step = {"status": "rejected", "note": "Bukan wilayah kota"}
    answer = client.post(path, step, "application/json", headers=bearer(user))
    assert (answer.status_code, answer.json()["detail"]) == (403, "This access token reads only.")
    item = f"/ogc/collections/reports/items/{report.public_id}"
    assert client.delete(item, headers=bearer(user)).status_code == 403
    report.refresh_from_db()
    assert (report.status, report.is_public) == ("submitted", True)


def test_a_writing_token_needs_no_csrf_token(user: User) -> None:
    report = make_report()
    client = Client(enforce_csrf_checks=True)
    path = f"/api/reports/{report.public_id}/status/"
    step = {"status": "rejected", "note": "Bukan wilayah kota"}
    assert client.post(path, step, "application/json", headers=bearer(user, "write")).status_code == 200
    line = report.history.order_by("id").last()
    assert line is not None
    assert (line.user_id, line.origin) == (user.pk, "api")


def test_a_session_still_needs_its_csrf_token(user: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(user)
    path = f"/api/reports/{make_report().public_id}/status/"
    assert client.post(path, {"status": "rejected", "note": "x"}, "application/json").status_code == 403


@pytest.mark.parametrize(
    "path",
    [
        "/api/reports/",
        "/layers/",
        "/layers/reports.geojson",
        "/layers/reports.csv",
        "/ogc/",
        "/ogc/collections/reports/items",
        "/tiles/reports/10/816/529.mvt",
        "/qgis/pantau.qgs",
        "/api/reports/summary/",
    ],
)
def test_a_wrong_token_is_refused_everywhere_and_never_an_anonymous_request(client: Client, path: str) -> None:
    answer = client.get(path, headers={"Authorization": "Bearer abcdefgh.wrong"})
    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/problem+json"
    assert "Bearer" in answer["WWW-Authenticate"]
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize("value", ["Digest x", "Basic !!", "Basic YQ==", "Bearer", "", "Bearer \u00e9", "Basic OmI="])
def test_an_authorization_that_cannot_be_read_is_a_401(client: Client, value: str, city: City) -> None:
    assert client.get("/api/reports/", headers={"Authorization": value}).status_code == 401


def test_protocols_of_layers_open_an_analysis_of_the_city_by_token(client: Client, user: User, city: City) -> None:
    saved = saved_by(
        user,
        city,
        layer_id="clusters",
        parameters={"category": "sampah"},
        visibility="city",
        slug="rahasia-kota",
        title="Rahasia",
    )
    paths = [
        f"/layers/{saved.slug}.geojson",
        f"/layers/{saved.slug}.csv",
        f"/ogc/collections/{saved.slug}/items",
        f"/tiles/{saved.slug}.json",
        f"/layers/{saved.slug}.qlr",
    ]
    header = bearer(user)
    for path in paths:
        assert client.get(path).status_code == 404, path
        answer = client.get(path, headers=header)
        body_of(answer)  # a file is read to its end, which lets go of its statement
        assert answer.status_code == 200, path
        assert (answer["Cache-Control"], "Authorization" in answer["Vary"]) == ("private, no-store", True), path
    assert saved.slug in client.get("/layers/", headers=header).content.decode()
    assert saved.slug not in client.get("/layers/").content.decode()


def test_what_is_the_same_for_everybody_is_kept_by_who_asked_alone(client: Client, user: User) -> None:
    make_report()
    answer = client.get("/layers/reports.geojson", headers=bearer(user))
    assert b'"features"' in body_of(answer)
    assert "private" in answer["Cache-Control"]
    assert "public" not in answer["Cache-Control"]
    assert "Authorization" in answer["Vary"]
    assert "ETag" in answer


# Basic


def test_basic_takes_a_token_as_password_with_the_name_of_its_user(client: Client, user: User) -> None:
    hidden = make_report(is_public=False)
    text = bearer(user)["Authorization"].removeprefix("Bearer ")
    assert client.get(private(hidden), headers=basic("dewi", text)).status_code == 200
    assert client.get(private(hidden), headers=basic("budi", text)).status_code == 401


def test_basic_takes_a_password_over_tls_alone(client: Client, user: User) -> None:
    hidden = make_report(is_public=False)
    answer = client.get(private(hidden), headers=basic("dewi", PASSWORD))
    assert answer.status_code == 401
    assert "TLS" in answer.json()["detail"]
    assert client.get(private(hidden), headers=basic("dewi", PASSWORD), secure=True).status_code == 200
    assert client.get(private(hidden), headers=basic("dewi", "salah-salah-1"), secure=True).status_code == 401


def test_basic_without_tls_does_not_tell_whether_the_password_was_right(client: Client, user: User) -> None:
    right, wrong = (client.get("/api/reports/", headers=basic("dewi", word)) for word in (PASSWORD, "salah-salah-1"))
    assert (right.status_code, right.content) == (wrong.status_code, wrong.content)


def test_a_changed_password_is_not_remembered(client: Client, user: User) -> None:
    hidden = make_report(is_public=False)
    header = basic("dewi", PASSWORD)
    assert client.get(private(hidden), headers=header, secure=True).status_code == 200
    user.set_password("kuda-lumping-78")
    user.save()
    assert client.get(private(hidden), headers=header, secure=True).status_code == 401


def test_a_page_of_another_site_does_not_write_by_a_browsers_basic(user: User) -> None:
    client, report = Client(enforce_csrf_checks=True), make_report()
    path = f"/api/reports/{report.public_id}/status/"
    step = {"status": "rejected", "note": "x"}
    headers = {**basic("dewi", PASSWORD), "Origin": "https://evil.example"}
    assert client.post(path, step, headers=headers, secure=True).status_code == 403
    headers["Origin"] = "https://testserver"
    assert client.post(path, step, headers=headers, secure=True).status_code == 200


# Keys of channels


def test_a_key_that_only_reads_sends_nothing_by_any_protocol(client: Client, city: City) -> None:
    key = create_key(channel=make_channel("qlue"), scopes=["read"])[1]
    form = {"category": "sampah", "lon": "106.93", "lat": "-6.25", "description": "x"}
    headers = {"X-Api-Key": key}
    assert client.post("/api/reports/", form, headers=headers).status_code == 403
    feature = {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [106.93, -6.25]},
        "properties": {"category": "sampah", "kind": "laporan", "description": "x"},
    }
    path = "/ogc/collections/reports/items"
    assert client.post(path, feature, "application/geo+json", headers=headers).status_code == 403
    sent = {"service_code": "sampah", "lat": "-6.25", "long": "106.93", "description": "x", "api_key": key}
    assert client.post("/open311/v2/requests.json", sent).status_code == 403
    assert not Report.objects.exists()


def test_a_key_that_only_sends_neither_sees_what_is_hidden_nor_takes_it_back(client: Client, city: City) -> None:
    channel = make_channel("qlue")
    key = create_key(channel=channel, scopes=["submit"])[1]
    hidden, shown = make_report(channel=channel, is_public=False), make_report(channel=channel)
    headers = {"X-Api-Key": key}
    assert client.get(f"/api/reports/{hidden.public_id}/", headers=headers).status_code == 404
    assert client.delete(f"/ogc/collections/reports/items/{shown.public_id}", headers=headers).status_code == 403
    whole = {"X-Api-Key": create_key(channel=channel)[1]}
    assert client.get(f"/api/reports/{hidden.public_id}/", headers=whole).status_code == 200
    assert client.delete(f"/ogc/collections/reports/items/{shown.public_id}", headers=whole).status_code == 204


def test_an_unknown_scope_of_a_key_is_refused(city: City) -> None:
    with pytest.raises(InvalidFields, match="submit, read, revise"):
        create_key(channel=make_channel("qlue"), scopes=["all"])


def test_a_replaced_key_opens_until_its_time_and_the_new_one_at_once() -> None:
    channel, now = make_channel("qlue"), timezone.now()
    old = create_key(channel=channel, scopes=["submit"])[1]
    later = now + timedelta(days=7)
    key, text = rotate_key(channel=channel, now=now, revoke_at=later)
    assert key.scopes == ["submit"]
    assert find_key(text, now=now) == key
    assert find_key(old, now=later - timedelta(seconds=1)) is not None
    assert find_key(old, now=later) is None
    assert find_key(text, now=later) == key


def test_a_second_replacement_does_not_lengthen_the_life_of_the_first_key() -> None:
    channel, now = make_channel("qlue"), timezone.now()
    old = create_key(channel=channel)[1]
    rotate_key(channel=channel, now=now, revoke_at=now + timedelta(days=1))
    rotate_key(channel=channel, now=now, revoke_at=now + timedelta(days=30))
    assert find_key(old, now=now + timedelta(days=2)) is None


def test_a_command_replaces_the_keys_of_a_channel() -> None:
    old = create_key(channel=make_channel("qlue"))[1]
    out = StringIO()
    call_command("rotate_channel_key", "qlue", "--days", "0", stdout=out, stderr=StringIO())
    assert find_key(old, now=timezone.now()) is None
    assert find_key(out.getvalue().strip(), now=timezone.now()) is not None
    with pytest.raises(CommandError, match="there is no channel 'tidak-ada'; known are qlue"):
        call_command("rotate_channel_key", "tidak-ada")


def test_a_key_past_its_limit_is_told_when_to_come_again(client: Client, city: City, settings: Any) -> None:
    settings.KEY_LIMIT = 2
    channel = make_channel("qlue")
    key, text = create_key(channel=channel)
    form = {"category": "sampah", "lon": "106.93", "lat": "-6.25"}
    sent = {"service_code": "sampah", "lat": "-6.25", "long": "106.93", "api_key": text}

    def post(text: str) -> Any:
        return client.post("/api/reports/", form, headers={"X-Api-Key": text})

    assert [post(text).status_code, client.post("/open311/v2/requests.json", sent).status_code] == [201, 201]
    answer = post(text)
    assert answer.status_code == 429
    assert 0 < int(answer["Retry-After"]) <= 601
    assert client.post("/open311/v2/requests.json", sent).status_code == 429
    # Reading is not counted, nor is another key of the same channel.
    assert client.get("/api/reports/", headers={"X-Api-Key": text}).status_code == 200
    assert post(create_key(channel=channel)[1]).status_code == 201
    ChannelKey.objects.filter(pk=key.pk).update(requests_per_window=100)
    assert post(text).status_code == 201
