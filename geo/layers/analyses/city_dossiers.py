"""The dossier of each whole city, computed without being asked for: from it the city at a glance tells what goes together."""

from datetime import datetime, timedelta

from geo.analysis.models import ResultSet
from geo.areas.models import Area, City
from geo.layers.analyses.dossier import DOSSIER
from geo.layers.layer import Query
from geo.layers.results import parameters_of, request_result
from geo.reports.models import Report
from server.core.errors import NotReady
from server.core.versions import data_version

# An older one is computed anew: the weeks that it covers change little in an hour.
KEPT_FOR = timedelta(hours=6)


def keep_city_dossiers(now: datetime) -> str:
    """Has the worker compute those that are missing or old; says of which cities. Where nobody has reported there is none."""
    asked = []
    for root in Area.objects.current().filter(parent=None).select_related("city").order_by("city__slug"):
        if _is_due(root, now) and _request(root, now):
            asked.append(root.city.slug)
    return ", ".join(asked)


def request_dossier(city: City, now: datetime) -> bool:
    """Asks the worker for the city's dossier of the usual period; false where the city has no areas, or too much is waiting."""
    root = Area.objects.current().filter(city=city, parent=None).first()
    return root is not None and _request(root, now)


def _request(root: Area, now: datetime) -> bool:
    query = Query(root.city, DOSSIER.resolve(root.city, {"area": root.code}, now), now)
    try:
        request_result(DOSSIER, parameters_of(query), data_version(DOSSIER.versions).number)
    except NotReady:
        return False
    return True


def _is_due(root: Area, now: datetime) -> bool:
    of_root = ResultSet.objects.filter(
        analysis=DOSSIER.id, parameters__city=root.city.slug, parameters__area=root.code
    ).exclude(parameters__has_key="category")
    is_there = of_root.filter(requested_at__gte=now - KEPT_FOR).exclude(state=ResultSet.State.FAILED).exists()
    return not is_there and Report.objects.filter(city=root.city).exists()
