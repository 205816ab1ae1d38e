"""Who is told of what: scopes, filters, limits, and that nobody is told of what is not public."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.gis.geos import Point, Polygon
from django.core.management import call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from geo.areas.models import City
from geo.models import Area, CityRole, OutboxMessage, Report, Subscription
from geo.operations.notifications.limits import letter_box
from geo.operations.notifications.models import Event
from geo.operations.notifications.notices import Notice, notify
from geo.operations.notifications.services import (
    Wish,
    end,
    forget_address,
    forget_unconfirmed,
    subscribe_by_email,
    subscribe_webhook,
)
from geo.reports.access.principals import PUBLIC, Grant, Principal
from geo.reports.services import moderate_report
from geo.reports.status import StatusChange, status_changed
from geo.reports.workflow import Status
from server.core.errors import Conflict, Forbidden, InvalidFields
from tests.factories import NOW, make_category, make_city, make_report
from tests.workflow_paths import bring_to

pytestmark = pytest.mark.django_db

WEST = Point(106.93, -6.25, srid=4326)  # kota-uji.1.1
EAST = Point(107.03, -6.25, srid=4326)  # kota-uji.2.1


@pytest.fixture
def city() -> City:
    return make_city()


def told_by(city: City, **values: Any) -> Subscription:
    """A confirmed e-mail subscription of an address of its own."""
    wish = {name: value for name, value in values.items() if name in ("report", "area", "category", "polygon")}
    usual = {"email": f"warga{Subscription.objects.count()}@example.org", "confirmed_at": NOW}
    return Subscription.objects.create(
        **{"kind": "email", "events": ["submitted", "status"], **usual, **values},
        city=city,
        created_at=NOW,
        scope=Wish(city, **wish).scope,
    )


def told() -> set[str]:
    """Keys of the subscriptions to which a notice was written, which is then taken away."""
    notices = OutboxMessage.objects.filter(topic__startswith="notice.")
    keys = {payload["subscription"] for payload in notices.values_list("payload", flat=True)}
    notices.delete()
    return keys


def keys(*subscriptions: Subscription) -> set[str]:
    return {str(each.key) for each in subscriptions}


def staff(city: City, name: str = "perencana", **more: Any) -> Principal:
    user = User.objects.create(username=name, is_staff=True, **more)
    CityRole.objects.create(user=user, city=city, role="planner")
    return Principal(user_id=user.pk, grants=(Grant("planner", city.pk),))


def test_an_area_stands_for_all_below_it(city: City) -> None:
    by_code = {area.code: told_by(city, area=area) for area in Area.objects.all()}
    make_report(location=WEST)
    assert told() == keys(by_code["kota-uji"], by_code["kota-uji.1"], by_code["kota-uji.1.1"])


def test_a_category_stands_for_all_below_it(city: City) -> None:
    above = make_category("kebersihan")
    below = make_category("sampah", parent=above)
    wanted = [told_by(city, category=above), told_by(city, category=below)]
    told_by(city, category=make_category("banjir"))
    make_report(category=below)
    assert told() == keys(*wanted)
    make_report(category=above)
    assert told() == keys(wanted[0])


def test_a_report_is_followed_through_its_steps_but_not_another(city: City) -> None:
    report = make_report()
    followed = told_by(city, report=report)
    make_report()
    assert told() == set()
    bring_to(report, Status.ASSIGNED)
    assert told() == keys(followed)


def test_a_drawn_polygon_is_met_by_the_place_that_the_public_sees(city: City) -> None:
    """With cells of 500 m the report at (106.9484321, -6.2532145) is shown at (106.9500534, -6.2546104)."""
    exact = told_by(city, polygon=Polygon.from_bbox((106.948, -6.254, 106.949, -6.253)))
    shown = told_by(city, polygon=Polygon.from_bbox((106.9495, -6.255, 106.9505, -6.254)))
    make_report(
        category=make_category("kekerasan", public_grid_m=500), location=Point(106.9484321, -6.2532145, srid=4326)
    )
    assert told() == keys(shown)
    make_report(location=Point(106.9484321, -6.2532145, srid=4326))
    assert told() == keys(exact)


def test_all_that_is_set_has_to_hold(city: City) -> None:
    area, category = Area.objects.get(code="kota-uji.1"), make_category("banjir")
    both = told_by(city, area=area, category=category)
    make_report(location=WEST)
    make_report(location=EAST, category=category)
    assert told() == set()
    make_report(location=WEST, category=category)
    assert told() == keys(both)


def test_only_the_events_that_were_asked_for_are_told(city: City) -> None:
    first, steps = told_by(city, events=["submitted"]), told_by(city, events=["status"])
    report = make_report()
    assert told() == keys(first)
    bring_to(report, Status.ASSIGNED)
    assert told() == keys(steps)


def test_a_filter_is_held_against_the_public_columns_at_that_moment(city: City) -> None:
    resolved = told_by(city, filter="status = 'resolved' AND area = 'kota-uji.1.1'")
    text = told_by(city, filter="description LIKE '%bau%'")
    report = make_report(description="Sampah berbau", location=WEST)
    assert told() == keys(text)
    bring_to(report, Status.IN_PROGRESS)
    told()
    bring_to(report, Status.RESOLVED)
    assert told() == keys(resolved, text)


def test_a_filter_that_fails_does_not_hold_up_the_report(city: City) -> None:
    told_by(city, filter="no_such_column = 1")
    other = told_by(city)
    make_report()
    assert told() == keys(other)


@pytest.mark.parametrize("text", ["location_exact = 1", "status = ", "contact LIKE '%0812%'"])
def test_a_filter_of_what_is_not_public_or_cannot_be_read_is_refused(city: City, text: str) -> None:
    with pytest.raises(InvalidFields) as caught:
        subscribe_webhook(wish=Wish(city, filter=text), url="https://example.org/", by=staff(city), now=NOW)
    assert set(caught.value.fields) == {"filter"}


def test_nobody_is_told_of_what_is_not_public(city: City) -> None:
    wanted = told_by(city)
    report = make_report()
    assert told() == keys(wanted)
    user = User.objects.create(username="petugas")
    moderate_report(report=report, is_public=False, public_description="", user=user, now=NOW)
    bring_to(report, Status.ASSIGNED)
    assert told() == set()


def test_what_is_not_confirmed_switched_off_or_of_a_closed_account_is_told_nothing(city: City) -> None:
    gone = User.objects.create(username="lama", is_active=False)
    told_by(city, confirmed_at=None)
    told_by(city, is_active=False)
    told_by(city, owner=gone)
    make_report()
    assert told() == set()


def test_events_of_another_city_are_not_told(city: City) -> None:
    other = make_city("kota-lain", west=108.0)
    told_by(other)
    told_by(other, category=make_category())
    make_report(location=WEST)
    assert told() == set()


def test_one_address_gets_one_letter_however_many_subscriptions_an_event_meets(city: City) -> None:
    first = told_by(city, email="Siti@example.org")
    told_by(city, email="siti@example.org", category=make_category())
    make_report()
    assert told() == keys(first)


def test_a_public_note_is_news_and_a_silent_handover_is_not(city: City) -> None:
    report = make_report()
    wanted = told_by(city)
    for note in ("", "Sudah dijadwalkan"):
        change = StatusChange(report, Status.SUBMITTED, Status.SUBMITTED, NOW, note, None, 1)
        with transaction.atomic():
            status_changed.send(sender=Report, change=change)
        assert told() == (keys(wanted) if note else set())


def test_an_import_of_many_tells_nobody(city: City, tmp_path: Path) -> None:
    told_by(city, category=make_category())
    make_report()
    assert len(told()) == 1
    file = tmp_path / "a.csv"
    file.write_text("external_id,category,description,lon,lat,reported_at\nQ1,sampah,Bau,106.93,-6.25,2015-11-11\n")
    call_command("import_reports", str(file), "--channel", "web", "-v", "0")
    assert Report.objects.count() == 2
    assert told() == set()


def test_an_event_that_is_of_no_report_meets_area_and_place_but_no_filter(city: City) -> None:
    area = Area.objects.get(code="kota-uji.1")
    wanted = told_by(city, area=area, events=["alert"])
    told_by(city, filter="status = 'submitted'", events=["alert"])
    told_by(city, category=make_category(), events=["alert"])
    below = Area.objects.get(code="kota-uji.1.1")
    with transaction.atomic():
        count = notify(Notice(Event.ALERT, city.pk, NOW, area_id=below.pk, place=WEST), now=NOW)
    assert (count, told()) == (1, keys(wanted))


@pytest.mark.parametrize("is_filtered", [False, True])
def test_a_status_change_takes_as_many_statements_for_fifty_followers_as_for_one(city: City, is_filtered: bool) -> None:
    counts = []
    bring_to(make_report(), Status.ASSIGNED)  # what is made, or asked, once
    for followers in (1, 50):
        Subscription.objects.all().delete()
        for n in range(followers):
            told_by(city, filter=f"support_count >= 0 AND NOT description LIKE 'x{n}'" if is_filtered else "")
        report = make_report()
        told()
        with CaptureQueriesContext(connection) as captured:
            bring_to(report, Status.ASSIGNED)
        counts.append(len(captured))
        assert len(told()) == followers
    assert counts[0] == counts[1]


def test_of_many_filters_each_is_met_by_itself_and_one_that_fails_is_left_out(city: City) -> None:
    texts = ["support_count < 1", "support_count >= 1", "support_count < 2 AND status = 'submitted'", "no_column = 1"]
    above, below, both, _lost = (told_by(city, filter=text) for text in texts)
    make_report()
    assert told() == keys(above, both)
    failing = told_by(city, filter="support_count / 0 = 1")
    make_report()
    assert told() == keys(above, both)
    assert failing.is_active
    assert below.is_active


def test_telling_many_takes_as_many_statements_as_telling_one(city: City, django_assert_num_queries: Any) -> None:
    notice = Notice(Event.SUBMITTED, city.pk, NOW, report_id=make_report().pk)
    like = told_by(city)
    with django_assert_num_queries(4), transaction.atomic():  # finding them, an insert for each thousand, a savepoint
        notify(notice, now=NOW)
    values = {field.attname: getattr(like, field.attname) for field in Subscription._meta.concrete_fields}
    del values["id"], values["key"], values["email"]
    Subscription.objects.bulk_create(Subscription(**values, email=f"w{n}@example.net") for n in range(998))
    told()
    with django_assert_num_queries(4), transaction.atomic():
        assert notify(notice, now=NOW) == 999


def ring(*positions: tuple[float, float]) -> Polygon:
    return Polygon([*positions, positions[0]], srid=4326)


@pytest.mark.parametrize(
    "polygon",
    [
        Point(106.95, -6.25, srid=4326).buffer(0.01, quadsegs=51),  # 204 vertices
        ring((106.91, -6.29), (106.93, -6.27), (106.93, -6.29), (106.91, -6.27)),  # crosses itself
        ring((108.0, -6.29), (108.1, -6.29), (108.1, -6.2)),  # lies elsewhere
        ring((-6.29, 106.91), (-6.27, 106.91), (-6.27, 106.93)),  # latitude first
    ],
)
def test_a_polygon_that_cannot_be_is_refused(city: City, polygon: Polygon) -> None:
    with pytest.raises(InvalidFields) as caught:
        subscribe_by_email(wish=Wish(city, polygon=polygon), email="a@example.org", by=PUBLIC, now=NOW)
    assert set(caught.value.fields) == {"polygon"}
    assert not Subscription.objects.exists()


def test_a_polygon_of_two_hundred_vertices_is_taken(city: City) -> None:
    polygon = Point(106.95, -6.25, srid=4326).buffer(0.01, quadsegs=50)
    assert polygon.num_coords == 201
    assert subscribe_by_email(wish=Wish(city, polygon=polygon), email="a@example.org", by=PUBLIC, now=NOW)


def test_an_address_that_has_not_confirmed_gets_three_letters_and_no_more(city: City) -> None:
    areas = Area.objects.order_by("code")[:5]
    made = [subscribe_by_email(wish=Wish(city, area=a), email="A@example.org", by=PUBLIC, now=NOW) for a in areas]
    assert [each is not None for each in made] == [True, True, True, False, False]
    assert OutboxMessage.objects.filter(topic="subscription.confirm").count() == 3


def letters() -> int:
    return OutboxMessage.objects.filter(topic="subscription.confirm").count()


def test_a_letter_box_whose_reader_confirms_nothing_gets_three_letters_by_whatever_name(city: City) -> None:
    wish = Wish(city, area=Area.objects.get(code="kota-uji.1"))
    for name in ("siti", "siti+a", "Siti+b", "siti+c", "SITI+d+e"):
        subscribe_by_email(wish=wish, email=f"{name}@example.org", by=PUBLIC, now=NOW)
    assert (letters(), Subscription.objects.count()) == (3, 3)
    subscribe_by_email(wish=wish, email="budi@example.org", by=PUBLIC, now=NOW)
    assert letters() == 4
    for hours in range(1, 24):
        subscribe_by_email(wish=wish, email=f"Siti+f{hours}@Example.org", by=PUBLIC, now=NOW + timedelta(hours=hours))
    assert letters() == 4
    assert set(Subscription.objects.filter(email__icontains="siti").values_list("email", flat=True)) == {
        "siti@example.org",
        "siti+a@example.org",
        "Siti+b@example.org",
    }
    Subscription.objects.filter(email="siti+a@example.org").update(confirmed_at=NOW)
    subscribe_by_email(wish=wish, email="siti+g@example.org", by=PUBLIC, now=NOW + timedelta(hours=24))
    assert letters() == 5


@pytest.mark.parametrize(
    ("email", "box"),
    [
        ("Siti@Example.org", "siti@example.org"),
        ("siti+a+b@example.org", "siti@example.org"),
        ("+62812@example.org", "+62812@example.org"),
        ("siti@example+org.net", "siti@example+org.net"),
    ],
)
def test_the_database_finds_the_letter_box_that_the_counter_counts(city: City, email: str, box: str) -> None:
    told_by(city, email=email, confirmed_at=None)
    assert letter_box(email) == box
    assert Subscription.objects.unconfirmed_in(box).count() == 1


def test_an_ended_subscription_frees_no_letter_for_an_account_either(city: City) -> None:
    by = staff(city)
    for _i in range(5):
        made = subscribe_by_email(wish=Wish(city), email="siti@example.org", by=by, now=NOW)
        if made is not None:
            end(subscription=made)
    assert letters() == 3


def test_the_same_again_is_no_second_subscription(city: City) -> None:
    wish = Wish(
        city, area=Area.objects.get(code="kota-uji.1"), polygon=Polygon.from_bbox((106.91, -6.29, 106.93, -6.27))
    )
    assert subscribe_by_email(wish=wish, email="a@example.org", by=PUBLIC, now=NOW)
    assert subscribe_by_email(wish=wish, email="A@Example.org", by=PUBLIC, now=NOW) is None
    assert Subscription.objects.count() == 1


def test_an_address_has_no_more_subscriptions_than_the_setting_says(city: City, settings: Any) -> None:
    settings.SUBSCRIPTIONS_MOST = 2
    by = staff(city, email="perencana@example.org")
    first, second, third = (Wish(city, area=area) for area in Area.objects.order_by("code")[:3])
    for wish in (first, second):
        subscribe_by_email(wish=wish, email="perencana@example.org", by=by, now=NOW)
    with pytest.raises(Conflict):
        subscribe_by_email(wish=third, email="perencana@example.org", by=by, now=NOW)
    assert subscribe_by_email(wish=third, email="perencana@example.org", by=PUBLIC, now=NOW) is None


def test_an_accounts_own_address_needs_no_confirmation_and_another_does(city: City) -> None:
    by = staff(city, email="perencana@example.org")
    own = subscribe_by_email(wish=Wish(city), email="Perencana@example.org", by=by, now=NOW)
    other = subscribe_by_email(wish=Wish(city), email="lain@example.org", by=by, now=NOW)
    assert own is not None
    assert own.confirmed_at == NOW
    assert other is not None
    assert other.confirmed_at is None
    assert OutboxMessage.objects.get().payload == {"subscription": str(other.key), "to": "subscriber"}


def test_staff_of_another_city_may_not_subscribe_here(city: City) -> None:
    by = staff(make_city("kota-lain", west=108.0))
    with pytest.raises(Forbidden):
        subscribe_by_email(wish=Wish(city), email="a@example.org", by=by, now=NOW)


def test_what_is_not_confirmed_is_forgotten_after_seven_days(city: City) -> None:
    told_by(city, confirmed_at=None)
    kept = told_by(city)
    assert forget_unconfirmed(NOW + timedelta(days=7)) == 0
    assert forget_unconfirmed(NOW + timedelta(days=7, seconds=1)) == 1
    assert Subscription.objects.get() == kept


def test_an_ended_webhook_takes_what_waits_for_it_along(city: City) -> None:
    webhook = Subscription.objects.create(
        kind="webhook", url="https://example.org/", owner=User.objects.create(username="a"), city=city, scope="city",
        events=["submitted"], created_at=NOW, confirmed_at=NOW,
    )  # fmt: skip
    make_report()
    assert OutboxMessage.objects.get().destination == f"webhook:{webhook.key}"
    end(subscription=webhook)
    assert not OutboxMessage.objects.exists()
    assert not Subscription.objects.exists()


def test_every_subscription_of_an_address_can_be_forgotten(city: City) -> None:
    told_by(city, email="Siti@example.org")
    told_by(city, email="siti@example.org", category=make_category())
    other = told_by(city)
    assert forget_address(email="SITI@example.org") == 2
    assert Subscription.objects.get() == other
