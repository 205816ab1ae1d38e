"""Reports held until the transaction ends, as they are once they are held."""

from django.db.models import QuerySet

from geo.reports.models import Report


def lock_reports(reports: QuerySet[Report], *related: str) -> list[Report]:
    """These reports, locked in the order of their ids, with what is `related` to them.

    In two statements: a lock that had to be waited for gives the row as it is now, but joined to what it referred to before,
    so that a report whose agency was changed meanwhile would have none, and one whose category was would not be found.
    """
    ids = list(reports.order_by("id").select_for_update(of=("self",)).values_list("pk", flat=True))
    return list(Report.objects.filter(pk__in=ids).select_related(*related).order_by("id")) if ids else []
