"""The matrix of the admin: lists, forms, things, and what is changed there."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.db import transaction

from geo.models import Agency, ChannelKey, CityRole, Intervention, Report, SavedAnalysis
from tests.privacy_hunt.routes import ADMIN, routes
from tests.visibility.admin_table import MODELS, OTHER_ROWS, rows_of
from tests.visibility.table import ADMINISTRATES, DEALS, OWNS, Who, who
from tests.visibility.test_matrix import all_faults
from tests.visibility.two_cities import Cities, plant

pytestmark = pytest.mark.django_db
# What the admin makes for every model.
_USUAL = re.compile(
    r"admin/[a-z_]+/[a-z]+/(|add/|<path:object_id>/|<path:object_id>/(history|delete|change)/)|admin/\^\(\?P<app_label>.*"
)


@pytest.fixture(autouse=True)
def _own_home(settings: Any, tmp_path: Path) -> None:
    settings.HOME = tmp_path


@pytest.fixture
def cities() -> Cities:
    return plant()


def test_every_model_and_every_route_of_the_admin_is_in_the_table() -> None:
    registered = {model._meta.label for model in admin.site._registry}
    missing = sorted(registered - MODELS.keys())
    assert not missing, f"Who sees its list? Say so in tests/visibility/admin_table.py: {', '.join(missing)}"
    assert registered == MODELS.keys()
    own = {route for route in routes() if route.startswith(ADMIN) and not _USUAL.fullmatch(route)}
    listed = {row.route for row in OTHER_ROWS if row.route}
    assert own == listed, f"Who opens it? Say so in tests/visibility/admin_table.py: {sorted(own ^ listed)}"


def test_lists_and_forms_open_as_the_table_says(cities: Cities) -> None:
    if faults := all_faults(cities, [rows_of(label) for label in MODELS]):
        pytest.fail("\n".join(faults))


def test_other_pages_and_things_open_as_the_table_says(cities: Cities) -> None:
    if faults := all_faults(cities, OTHER_ROWS):
        pytest.fail("\n".join(faults))


def who_changes(cities: Cities, path: str, body: dict[str, Any], changed: Any) -> Who:
    """Those after whose POST `changed()` is true; each begins with what was there."""
    path, found = path.format(**cities.values), set()
    for name, client in cities.clients.items():
        with transaction.atomic():
            client.post(path, body, headers=cities.headers.get(name, {}))
            if changed():
                found.add(name)
            transaction.set_rollback(True)
    return frozenset(found)


def _no_inlines(*prefixes: str) -> dict[str, str]:
    return {f"{prefix}-{part}_FORMS": "0" for prefix in prefixes for part in ("TOTAL", "INITIAL")}


def test_only_those_who_deal_with_a_report_show_it_to_the_public(cities: Cities) -> None:
    body = {
        "is_public": "on",
        "public_description": "x",
        **_no_inlines("contact", "photos", "history", "evidence", "closings"),
    }

    def shown() -> bool:
        return Report.objects.get(pk=cities.values["mine_pk"]).is_public

    assert who_changes(cities, "/admin/geo/report/{mine_pk}/change/", body, shown) == DEALS


def test_only_those_who_deal_with_reports_merge_them_in_the_list(cities: Cities) -> None:
    chosen = list(
        Report.objects.filter(public_id__in=(cities.values["shown"], cities.values["other"])).values_list(
            "pk", flat=True
        )
    )
    body = {"action": "merge_chosen", "_selected_action": [str(pk) for pk in chosen], "apply": "1"}
    found = who_changes(
        cities, "/admin/geo/report/", body, lambda: Report.objects.filter(duplicate_of__isnull=False).exists()
    )
    assert found == DEALS


def test_an_agency_is_renamed_by_administrators_of_its_own_city(cities: Cities) -> None:
    body = {"city": str(cities.values["here_pk"]), "slug": "dlh", "name_id": "Baru", "name_en": "New", "calendar": ""}
    found = who_changes(
        cities, "/admin/geo/agency/{agency_pk}/change/", body, lambda: Agency.objects.filter(name_en="New").exists()
    )
    assert found == ADMINISTRATES


def test_an_administrator_gives_roles_in_the_own_city_alone(cities: Cities) -> None:
    body = {"user": "citizen", "city": str(cities.values["here_pk"]), "role": "administrator", "agency": "", "area": ""}

    def given() -> bool:
        return CityRole.objects.filter(user__username="citizen", user__is_staff=True).exists()

    assert who_changes(cities, "/admin/geo/cityrole/add/", body, given) == ADMINISTRATES


def test_an_administrator_moves_no_role_into_another_city(cities: Cities) -> None:
    role = CityRole.objects.get(user__username="planner")
    other = Agency.objects.get(pk=cities.values["agency_b_pk"]).city_id
    body = {"user": "planner", "city": str(other), "role": "administrator", "agency": "", "area": ""}
    found = who_changes(
        cities,
        f"/admin/geo/cityrole/{role.pk}/change/",
        body,
        lambda: CityRole.objects.filter(pk=role.pk, city=other).exists(),
    )
    assert found == who("superuser")


def test_keys_of_a_channel_of_every_city_are_revoked_by_superusers_alone(cities: Cities) -> None:
    key = ChannelKey.objects.order_by("pk").first()
    assert key is not None
    body = {"action": "revoke", "_selected_action": [str(key.pk)]}
    found = who_changes(
        cities, "/admin/geo/channelkey/", body, lambda: ChannelKey.objects.filter(revoked_at__isnull=False).exists()
    )
    assert found == who("superuser")


def test_an_analysis_is_renamed_by_its_owner_and_administrators(cities: Cities) -> None:
    body = {"title": "Lain", "description": "", "visibility": "public"}
    found = who_changes(
        cities,
        "/admin/geo/savedanalysis/{saved_pk}/change/",
        body,
        lambda: SavedAnalysis.objects.filter(title="Lain").exists(),
    )
    assert found == OWNS


def test_an_intervention_is_reworded_by_its_owner_and_administrators(cities: Cities) -> None:
    found = who_changes(
        cities, "/admin/geo/intervention/{intervention}/change/", {"title": "Lain", "description": ""},
        lambda: Intervention.objects.filter(title="Lain").exists(),
    )  # fmt: skip
    assert found == OWNS
