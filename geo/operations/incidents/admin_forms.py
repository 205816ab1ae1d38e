"""What the admin asks for before an incident is opened, changed or answered."""

import re
from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from geo.areas.models import Area, AreaAncestry, City
from geo.operations.admin_pages import NamedCity, NamedInLanguage
from geo.operations.incidents.models import Incident, IncidentReport
from geo.reports.access.principals import Principal
from geo.reports.categories import with_descendants
from geo.reports.models import Category, Report
from geo.reports.models.directory import in_language
from geo.reports.workflow import CLOSED, WORDS, Status

LONGEST_TEXT = 2000


class EmptyForm(forms.Form):
    """Nothing is asked for but whether."""


class ReportIds(forms.CharField):
    """Ids of reports, with spaces, commas or lines between; its value is the reports, of those that `by` sees."""

    by = Principal()

    def __init__(self, **more: Any) -> None:
        super().__init__(required=False, widget=forms.Textarea(attrs={"rows": 3, "cols": 60}), **more)

    def clean(self, value: Any) -> Any:
        ids = list(dict.fromkeys(re.split(r"[\s,;]+", super().clean(value).strip())))
        if ids == [""]:
            return []
        found = {one.public_id: one for one in Report.objects.visible_to(self.by).filter(public_id__in=ids)}
        if missing := [one for one in ids if one not in found]:
            says = _("There are no such reports: %(ids)s") % {"ids": ", ".join(missing[:20])}
            raise forms.ValidationError(says)
        return [found[one] for one in ids]


class NamedArea(forms.ModelChoiceField):
    def label_from_instance(self, obj: Area) -> str:
        return f"{in_language(obj.level.name_id, obj.level.name_en)} {obj.name}"


class OpeningForm(forms.Form):
    """Reports by their ids; or, with a first day, those that are open of a category and an area since then."""

    city = NamedCity(label=_("city"), queryset=City.objects.none())
    title = forms.CharField(label=_("title"), max_length=200, widget=forms.TextInput(attrs={"size": 60}))
    category = NamedInLanguage(
        label=_("category"), queryset=Category.objects.filter(is_active=True).order_by("slug"), required=False
    )
    area = NamedArea(label=_("area"), queryset=Area.objects.none(), required=False)
    reports = ReportIds(label=_("reports"), help_text=_("Ids of reports, with spaces or commas between."))
    first_day = forms.DateField(
        label=_("or reports from"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=_("Takes those that are open, of the category and the area above, and in no other open incident."),
    )
    last_day = forms.DateField(
        label=_("last day"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    is_public = forms.BooleanField(
        label=_("public"), required=False, help_text=_("Everybody sees its title, its area and its public reports.")
    )

    def __init__(self, *args: Any, by: Principal, **more: Any) -> None:
        super().__init__(*args, **more)
        self.by = by
        reports, area = self.fields["reports"], self.fields["area"]
        assert isinstance(reports, ReportIds)
        assert isinstance(area, forms.ModelChoiceField)
        reports.by = by
        mine = Area.objects.select_related("level").defer("boundary").order_by("level__rank", "name")
        area.queryset = mine if by.city_ids is None else mine.filter(city__in=by.city_ids)

    def clean(self) -> None:
        first, last = self.cleaned_data.get("first_day"), self.cleaned_data.get("last_day")
        if first and self.cleaned_data.get("reports"):
            self.add_error("first_day", _("Give ids of reports or days, not both."))
        if last and not first:
            self.add_error("first_day", _("Needed: the first day."))
        if first and last and last < first:
            self.add_error("last_day", _("Is before the first day."))

    def chosen(self) -> list[Report]:
        given = self.cleaned_data
        if not given["first_day"]:
            return list(given["reports"])
        zone = given["city"].zone
        found = Report.objects.handled_by(self.by).filter(
            city=given["city"],
            duplicate_of=None,
            reported_at__gte=datetime.combine(given["first_day"], time(), zone),
        )
        found = found.exclude(status__in=sorted(CLOSED))
        found = found.exclude(pk__in=IncidentReport.objects.filter(is_open=True).values("report_id"))
        if given["last_day"]:
            after = datetime.combine(given["last_day"] + timedelta(days=1), time(), zone)
            found = found.filter(reported_at__lt=after)
        if given["category"]:
            found = found.filter(category_id__in=with_descendants([given["category"].slug]))
        if given["area"]:
            inside = AreaAncestry.objects.filter(ancestor=given["area"]).values("area_id")
            found = found.filter(area_id__in=inside)
        return list(found.order_by("id"))


class MemberChoices(forms.ModelMultipleChoiceField):
    def label_from_instance(self, obj: Report) -> str:
        return f"{obj.public_id}, {obj.category.name}, {obj.get_status_display()}"


class MembersForm(forms.Form):
    add = ReportIds(label=_("add"), help_text=_("Ids of reports, with spaces or commas between."))
    remove = MemberChoices(
        label=_("take out"), queryset=Report.objects.none(), required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, by: Principal, incident: Incident, **more: Any) -> None:
        super().__init__(*args, **more)
        add, remove = self.fields["add"], self.fields["remove"]
        assert isinstance(add, ReportIds)
        assert isinstance(remove, forms.ModelMultipleChoiceField)
        add.by = by
        members = Report.objects.filter(incidents__incident=incident)
        remove.queryset = members.select_related("category").order_by("id")


class MessageForm(forms.Form):
    text = forms.CharField(
        label=_("message"), max_length=LONGEST_TEXT, widget=forms.Textarea(attrs={"rows": 6, "cols": 80})
    )
    status = forms.ChoiceField(
        label=_("and set the status"),
        required=False,
        help_text=_(
            "A report that may not take the step keeps its status, and is named; it has the message all the same."
        ),
    )

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        status = self.fields["status"]
        assert isinstance(status, forms.ChoiceField)
        status.choices = [("", "---------"), *((one.value, WORDS[one].name) for one in Status)]
