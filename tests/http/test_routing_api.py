"""`/api/routing/`, the admin's page of the same, and `manage try_routing`: rules are tried before they are applied."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from geo.models import Agency, Area, City, CityRole, Report, RoutingPolicy, RoutingRule
from tests.factories import centre, make_agency, make_category, make_city, make_report

pytestmark = pytest.mark.django_db
DRY_RUN, REROUTE = "/api/routing/dry-run/", "/api/routing/reroute/"


@pytest.fixture
def city() -> City:
    made = make_city()
    make_agency(made, "dlh", make_category("sampah"))
    return made


@pytest.fixture
def report(city: City) -> Report:
    return make_report(location=centre("kota-uji.1.1"))


@pytest.fixture
def rule(city: City, report: Report) -> RoutingRule:
    """Made after the report came in, so that it would move it."""
    return RoutingRule.objects.create(
        city=city, position=10, area=Area.objects.get(code="kota-uji.1"), agency=make_agency(city, "camat-1")
    )


def sign_in(client: Any, city: City, role: str, **more: Any) -> Any:
    user = User.objects.create_user(f"orang-{role}", password="a long password", is_staff=True)
    CityRole.objects.create(user=user, city=city, role=role, **more)
    client.force_login(user)
    return client


@pytest.fixture
def dispatcher(client: Any, city: City) -> Any:
    return sign_in(client, city, "dispatcher")


def post(client: Any, path: str, **body: Any) -> Any:
    return client.post(path, json.dumps(body), content_type="application/json")


def test_a_dry_run_says_what_would_move_by_which_rule_and_writes_nothing(
    dispatcher: Any, report: Report, rule: RoutingRule
) -> None:
    answer = dispatcher.get(DRY_RUN)
    assert answer.status_code == 200
    assert answer["Cache-Control"] == "private, no-store"
    told_rule = {
        "id": rule.pk,
        "position": 10,
        "category": None,
        "area": "kota-uji.1",
        "agency": "camat-1",
        "valid_from": None,
        "valid_to": None,
        "is_active": True,
        "note": "",
    }
    assert answer.json() == {
        "city": "kota-uji",
        "since": None,
        "reports": 1,
        "moved": 1,
        "rules": [{"rule": told_rule, "reports": 1, "moved": 1}],
        "moves": [{"rule": told_rule, "from_agency": "dlh", "to_agency": "camat-1", "reports": 1}],
        "examples": [
            {
                "report": report.public_id,
                "category": "sampah",
                "area": "kota-uji.1.1",
                "status": "submitted",
                "from_agency": "dlh",
                "to_agency": "camat-1",
                "rule": told_rule,
            }
        ],
        "faults": [],
    }
    assert Report.objects.get().agency == Agency.objects.get(slug="dlh")


def test_given_rules_are_tried_and_those_that_never_match_are_named(dispatcher: Any, report: Report) -> None:
    make_agency(report.city, "camat-1")
    rules = [{"agency": "camat-1"}, {"agency": "dlh", "category": "sampah", "position": 30}]
    answer = post(dispatcher, DRY_RUN, rules=rules)
    assert answer.status_code == 200
    told = answer.json()
    assert told["moves"][0]["to_agency"] == "camat-1"
    (fault,) = told["faults"]
    assert (fault["flaw"], fault["rule"]["position"], [one["position"] for one in fault["by"]]) == (
        "shadowed",
        30,
        [10],
    )
    assert not RoutingRule.objects.exists()


def test_a_fault_is_told_in_the_language_that_is_asked_for(dispatcher: Any, report: Report) -> None:
    rules = [{"agency": "dlh", "valid_to": "2020-01-01"}]
    answer = dispatcher.post(
        DRY_RUN, json.dumps({"rules": rules}), content_type="application/json", headers={"Accept-Language": "en"}
    )
    assert answer.json()["faults"][0]["text"] == "Rule 10: *, * → dlh never matches: its days are over"


def test_wrong_rules_are_refused_by_their_number(dispatcher: Any, report: Report) -> None:
    answer = post(dispatcher, DRY_RUN, rules=[{"agency": "dlh"}, {"agency": "tiada"}])
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    assert set(answer.json()["errors"]) == {"rules.2.agency"}
    assert post(dispatcher, DRY_RUN).status_code == 400
    assert post(dispatcher, DRY_RUN, rules="semua").status_code == 400


@pytest.mark.parametrize(
    ("query", "name"), [("days=0", "days"), ("days=x", "days"), ("city=tiada", "city"), ("x=1", "x")]
)
def test_a_wrong_parameter_is_named(dispatcher: Any, query: str, name: str) -> None:
    answer = dispatcher.get(f"{DRY_RUN}?{query}")
    assert (answer.status_code, answer.json()["parameter"]) == (400, name)


def test_with_two_cities_the_city_has_to_be_named(client: Any, city: City) -> None:
    make_city("kota-lain", west=107.5)
    dispatcher = sign_in(client, city, "dispatcher")
    assert dispatcher.get(DRY_RUN).json()["parameter"] == "city"
    assert dispatcher.get(f"{DRY_RUN}?city=kota-uji").status_code == 200
    assert dispatcher.get(f"{DRY_RUN}?city=kota-lain").status_code == 403


@pytest.mark.parametrize("role", [None, "officer", "planner", "mayor"])
def test_others_than_dispatchers_are_refused(client: Any, city: City, rule: RoutingRule, role: str | None) -> None:
    if role is not None:
        sign_in(client, city, role, agency=Agency.objects.get(slug="dlh") if role == "officer" else None)
    assert client.get(DRY_RUN).status_code == 403
    assert post(client, DRY_RUN, rules=[]).status_code == 403
    assert post(client, REROUTE).status_code == 403
    assert Report.objects.get().agency == Agency.objects.get(slug="dlh")


def test_applying_gives_the_waiting_reports_to_the_rules_agencies(
    dispatcher: Any, report: Report, rule: RoutingRule
) -> None:
    answer = post(dispatcher, REROUTE, city="kota-uji")
    assert (answer.status_code, answer.json()) == (200, {"reports": 1, "has_more": False})
    assert Report.objects.get().agency == rule.agency
    line = report.history.get(action="rerouted")
    assert (line.origin, line.user_id) == ("api", User.objects.get().pk)


def test_a_reroute_is_not_among_the_steps_that_the_public_reads(
    dispatcher: Any, report: Report, rule: RoutingRule
) -> None:
    post(dispatcher, REROUTE)
    dispatcher.logout()
    shown = dispatcher.get(f"/api/reports/{report.public_id}/").json()
    assert (shown["agency"], len(shown["history"])) == ("camat-1", 1)


# The admin.


def administrator(client: Any) -> Any:
    client.force_login(User.objects.create_superuser("admin", password="a long password"))
    return client


def test_the_admin_tries_the_rules_and_applies_them(client: Any, report: Report, rule: RoutingRule) -> None:
    page = administrator(client).get(f"/admin/geo/routingrule/try/?city={report.city_id}")
    assert page.status_code == 200
    assert report.public_id in page.content.decode()
    assert Report.objects.get().agency == Agency.objects.get(slug="dlh")
    assert client.post("/admin/geo/routingrule/try/", {"city": report.city_id}).status_code == 302
    assert Report.objects.get().agency == rule.agency


def test_the_admins_list_says_which_rule_never_matches(client: Any, rule: RoutingRule) -> None:
    Area.objects.filter(code__startswith="kota-uji.1").update(
        retired_at=rule.city.areas.get(code="kota-uji").updated_at
    )
    page = administrator(client).get("/admin/geo/routingrule/", headers={"Accept-Language": "en"})
    assert "its area is retired" in page.content.decode()
    assert "/admin/geo/routingrule/try/" in page.content.decode()


def test_saving_a_rule_behind_a_wider_one_warns_of_it(client: Any, rule: RoutingRule) -> None:
    given = {"city": rule.city_id, "position": 20, "area": Area.objects.get(code="kota-uji.1.1").pk}
    page = administrator(client).post(
        "/admin/geo/routingrule/add/",
        {**given, "agency": rule.agency_id, "is_active": "on"},
        follow=True,
        headers={"Accept-Language": "en"},
    )
    assert "earlier rules take all that it is for (10: *, kota-uji.1 → camat-1)" in page.content.decode()


def test_an_officer_does_not_try_rules_in_the_admin(client: Any, city: City, report: Report) -> None:
    officer = sign_in(client, city, "officer", agency=Agency.objects.get(slug="dlh"))
    assert officer.get(f"/admin/geo/routingrule/try/?city={city.pk}").status_code == 302
    assert officer.post("/admin/geo/routingrule/try/", {"city": city.pk}).status_code == 302
    assert Report.objects.get().agency == Agency.objects.get(slug="dlh")


def test_a_city_without_an_arbiter_is_named_in_the_admin(client: Any, city: City) -> None:
    RoutingPolicy.objects.create(city=city)
    page = administrator(client).get("/admin/geo/routingpolicy/", headers={"Accept-Language": "en"})
    assert "Kota Uji has no arbiter" in page.content.decode()
    RoutingPolicy.objects.update(arbiter=User.objects.get())
    page = client.get("/admin/geo/routingpolicy/", headers={"Accept-Language": "en"})
    assert "has no arbiter" not in page.content.decode()


# The command.


def tried(*arguments: str) -> str:
    out = StringIO()
    call_command("try_routing", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_prints_moves_and_examples(report: Report, rule: RoutingRule) -> None:
    lines = tried().splitlines()
    assert lines[0] == "kota-uji: 1 open reports, 1 would go to another agency"
    assert "dlh   camat-1  1        10: *, kota-uji.1 → camat-1" in lines
    assert any(line.startswith(report.public_id) for line in lines)


def test_a_rule_that_is_switched_off_is_marked_where_rules_are_tried(
    client: Any, report: Report, rule: RoutingRule
) -> None:
    RoutingRule.objects.update(is_active=False)
    # As in a shell, in the language of the settings.
    assert "10: *, kota-uji.1 → camat-1 (dinonaktifkan)" in tried()
    path = f"/admin/geo/routingrule/try/?city={rule.city_id}"
    page = administrator(client).get(path, headers={"Accept-Language": "en"})
    assert "10: *, kota-uji.1 → camat-1 (is switched off)" in page.content.decode()


def test_the_command_explains_one_report(report: Report, rule: RoutingRule) -> None:
    text = tried("--report", report.public_id)
    assert "10: *, kota-uji.1 → camat-1: " in text
    assert text.endswith("goes to camat-1: by rule 10; has dlh\n")


def test_the_command_tries_a_file_of_rules(report: Report, tmp_path: Path) -> None:
    make_agency(report.city, "camat-1")
    path = tmp_path / "rules.json"
    path.write_text(json.dumps([{"agency": "camat-1"}]), encoding="utf-8")
    assert tried("--rules", str(path)).startswith("kota-uji: 1 open reports, 1 would go to another agency\n")
    assert tried("--rules", str(path), "--report", report.public_id).endswith("goes to camat-1: by rule 10; has dlh\n")


def test_the_command_names_what_was_wrong(report: Report, tmp_path: Path) -> None:
    path = tmp_path / "rules.json"
    for text, says in (("[", "is no JSON"), ('[{"agency": "tiada"}]', "rules.1.agency")):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(CommandError, match=says):
            tried("--rules", str(path))
    with pytest.raises(CommandError, match="No such file"):
        tried("--rules", str(tmp_path / "none.json"))
    with pytest.raises(CommandError, match="there is no report 'tiada'"):
        tried("--report", "tiada")
    with pytest.raises(CommandError, match="there is no city 'tiada'; known are kota-uji"):
        tried("--city", "tiada")
    with pytest.raises(CommandError, match="--days lies between"):
        tried("--days", "0")
