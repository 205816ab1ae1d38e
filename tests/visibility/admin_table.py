"""The table of the admin: of each model who sees its list, and who adds to it; of some things, who opens them."""

from collections.abc import Mapping
from typing import NamedTuple

from tests.visibility.table import (
    DEALS,
    DISPATCH,
    EVERYBODY,
    NOBODY,
    OTHER_CITY,
    OVERSEES,
    OWNS,
    PEOPLE,
    STAFF,
    SUPER,
    Ask,
    Row,
    Who,
    row,
    who,
)

# Somebody who has not signed in, or has no role, is sent to the door: 302.
AWAY = frozenset({302, 403, 404})
ADMINISTRATORS = who("administrator", "foreign_administrator", "superuser")
DISPATCHERS = ADMINISTRATORS | who("dispatcher", "foreign_dispatcher")
# Planners read analysis, and no reports.
OF_REPORTS = PEOPLE - who("planner")


class Access(NamedTuple):
    seen: Who
    added: Who


MODELS: Mapping[str, Access] = {
    "auth.Group": Access(SUPER, SUPER),
    "auth.User": Access(SUPER, SUPER),
    "axes.AccessAttempt": Access(SUPER, NOBODY),
    "axes.AccessFailureLog": Access(SUPER, NOBODY),
    "axes.AccessLog": Access(SUPER, NOBODY),
    "django_tasks_database.DBTaskResult": Access(SUPER, NOBODY),
    "geo.AccessToken": Access(PEOPLE, PEOPLE),
    "geo.Agency": Access(PEOPLE, ADMINISTRATORS),
    "geo.AgencyContact": Access(DISPATCHERS, ADMINISTRATORS),
    "geo.Alert": Access(DISPATCHERS, NOBODY),
    "geo.AlertRule": Access(DISPATCHERS, ADMINISTRATORS),
    "geo.Area": Access(PEOPLE, NOBODY),
    "geo.AreaLevel": Access(PEOPLE, SUPER),
    "geo.Category": Access(PEOPLE, ADMINISTRATORS),
    "geo.Channel": Access(ADMINISTRATORS, SUPER),
    "geo.ChannelConnection": Access(SUPER, SUPER),
    "geo.ChannelKey": Access(ADMINISTRATORS, NOBODY),
    "geo.City": Access(PEOPLE, SUPER),
    "geo.CityRole": Access(ADMINISTRATORS, ADMINISTRATORS),
    "geo.Closing": Access(OF_REPORTS, NOBODY),
    "geo.DeadLetter": Access(SUPER, NOBODY),
    "geo.Destination": Access(SUPER, NOBODY),
    "geo.Escalation": Access(DISPATCHERS, NOBODY),
    "geo.FieldLink": Access(DISPATCHERS, NOBODY),
    "geo.HistoryEntry": Access(OF_REPORTS, NOBODY),
    "geo.Incident": Access(PEOPLE, DISPATCHERS),
    "geo.Instruction": Access(OF_REPORTS, who("mayor", "superuser")),
    "geo.InstructionNote": Access(ADMINISTRATORS, NOBODY),
    "geo.Intervention": Access(PEOPLE, NOBODY),
    "geo.OnCallLevel": Access(DISPATCHERS, DISPATCHERS),
    "geo.OutboxMessage": Access(SUPER, NOBODY),
    "geo.PopulationFigure": Access(SUPER, SUPER),
    "geo.Report": Access(OF_REPORTS, NOBODY),
    "geo.ReportEvidence": Access(OF_REPORTS, NOBODY),
    "geo.RoutingPolicy": Access(SUPER, SUPER),
    "geo.RoutingRule": Access(ADMINISTRATORS, ADMINISTRATORS),
    "geo.SavedAnalysis": Access(PEOPLE, NOBODY),
    "geo.Shift": Access(DISPATCHERS, DISPATCHERS),
    "geo.Subscription": Access(SUPER, NOBODY),
    "geo.WeeklyBrief": Access(ADMINISTRATORS, NOBODY),
    "geo.WorkingCalendar": Access(ADMINISTRATORS, ADMINISTRATORS),
    "sensors.Correction": Access(SUPER, NOBODY),
    "sensors.Datastream": Access(SUPER, NOBODY),
    "sensors.DeviceLimit": Access(SUPER, SUPER),
    "sensors.IngestStatus": Access(SUPER, NOBODY),
    "sensors.MqttSource": Access(SUPER, SUPER),
    "sensors.ObservationArchive": Access(SUPER, NOBODY),
    "sensors.ObservedProperty": Access(SUPER, SUPER),
    "sensors.PendingThing": Access(SUPER, NOBODY),
    "sensors.RejectedMessage": Access(SUPER, NOBODY),
    "sensors.TopicRule": Access(SUPER, SUPER),
    "sensors.Sensor": Access(SUPER, SUPER),
    "sensors.Thing": Access(SUPER, SUPER),
}
# What a list shows that is not for all who see it.
SEEN_IN_LISTS: Mapping[str, Mapping[str, Who]] = {
    "geo.AccessToken": {"token": who("administrator", "superuser")},
    "geo.SavedAnalysis": {"insight": STAFF},
    "geo.Incident": {"incident": STAFF},
    # The masked text, of those that are not public as well.
    "geo.Report": {"a": OVERSEES, "b": OTHER_CITY},
}
# What an instruction may be about is chosen in its form.
SEEN_IN_FORMS: Mapping[str, Mapping[str, Who]] = {"geo.Instruction": {"incident": who("mayor", "superuser")}}

# The routes beside those that each model has: what is theirs, and which things it is asked of.
_REPORT, _COMPLETE = "/admin/geo/report/", "/admin/autocomplete/?app_label=geo&term="
OTHER_ROWS = [
    row("admin/", Ask("/admin/", PEOPLE, refused=AWAY)),
    row("admin/login/", Ask("/admin/login/", EVERYBODY - PEOPLE, refused=AWAY)),
    row("admin/logout/", Ask("/admin/logout/", NOBODY, refused=frozenset({302, 405}))),
    row("admin/password_change/", Ask("/admin/password_change/", PEOPLE, refused=AWAY)),
    row("admin/jsi18n/", Ask("/admin/jsi18n/", PEOPLE, refused=AWAY)),
    row("admin/autocomplete/",
        Ask(f"{_COMPLETE}&model_name=cityrole&field_name=agency", PEOPLE, refused=AWAY),
        Ask(f"{_COMPLETE}&model_name=cityrole&field_name=area", PEOPLE, refused=AWAY),
        Ask(f"{_COMPLETE}&model_name=cityrole&field_name=user", SUPER, refused=AWAY),
        Ask(f"{_COMPLETE}&model_name=routingpolicy&field_name=arbiter", SUPER, refused=AWAY)),
    row("admin/r/<path:content_type_id>/<path:object_id>/", Ask("/admin/r/1/1/", NOBODY, refused=AWAY)),
    row("admin/auth/user/<id>/password/", Ask("/admin/auth/user/{planner_pk}/password/", SUPER, refused=AWAY)),
    row("admin/geo/routingrule/try/", Ask("/admin/geo/routingrule/try/", ADMINISTRATORS, refused=AWAY)),
    *(row(f"admin/geo/report/<path:object_id>/{page}/",
        Ask(f"{_REPORT}{{mine_pk}}/{page}/", DEALS, refused=AWAY, sees={"a": DEALS}),
        Ask(f"{_REPORT}{{theirs_pk}}/{page}/", OTHER_CITY, refused=AWAY, sees={"b": OTHER_CITY}))
        for page in ("step", "evidence")),
    *(row(f"admin/geo/{model}/<path:object_id>/{page}/",
        Ask(f"/admin/geo/{model}/{{{key}}}/{page}/", DISPATCH, refused=AWAY,
            sees={} if model == "alert" else {"incident": DISPATCH}))
        for model, key, pages in (
            ("shift", "shift", ("end",)),
            ("incident", "incident_pk", ("reports", "message", "close")),
            ("alert", "alert_pk", ("acknowledge", "incident", "close")),
        ) for page in pages),
    row("admin/(?P<url>.*)$", Ask("/admin/nothing/", NOBODY, refused=AWAY)),
    # Things: of the report, its page, its history, the page that would delete it.
    row("",
        Ask(f"{_REPORT}{{mine_pk}}/change/", OVERSEES, refused=AWAY, sees={"a": OVERSEES}),
        Ask(f"{_REPORT}{{shown_pk}}/change/", OVERSEES, refused=AWAY, sees={"contact": DEALS}),
        Ask(f"{_REPORT}{{theirs_pk}}/change/", OTHER_CITY, refused=AWAY, sees={"b": OTHER_CITY}),
        Ask(f"{_REPORT}{{mine_pk}}/history/", OVERSEES, refused=AWAY),
        Ask(f"{_REPORT}{{mine_pk}}/delete/", NOBODY, refused=AWAY),
        Ask("/admin/geo/incident/{incident_pk}/change/", STAFF, refused=AWAY, sees={"incident": STAFF}),
        Ask("/admin/geo/agency/{agency_pk}/change/", STAFF, refused=AWAY),
        Ask("/admin/geo/agency/{agency_b_pk}/change/", OTHER_CITY, refused=AWAY),
        Ask("/admin/geo/savedanalysis/{saved_pk}/delete/", OWNS, refused=AWAY),
        Ask("/admin/geo/accesstoken/{access_token}/change/", who("administrator", "superuser"), refused=AWAY,
            sees={"token": who("administrator", "superuser")}),
        # By a wrong address of a list nobody guesses at what they may not open.
        Ask(f"{_REPORT}?contact__phone__startswith=0812", NOBODY, refused=frozenset({302, 400, 403}))),
]  # fmt: skip


def rows_of(label: str) -> Row:
    access, path = MODELS[label], f"/admin/{label.lower().replace('.', '/')}/"
    return row(
        label,
        Ask(path, access.seen, refused=AWAY, sees=SEEN_IN_LISTS.get(label, {})),
        Ask(f"{path}add/", access.added, refused=AWAY, sees=SEEN_IN_FORMS.get(label, {})),
    )
