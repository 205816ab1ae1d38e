"""What the admin asks a mayor for: about what, of whom, until when, and what is to be done."""

from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from geo.areas.models import Area, City
from geo.operations.admin_pages import NamedCity, NamedInLanguage
from geo.operations.incidents.models import Incident
from geo.operations.mayor.instructions import LONGEST_TEXT
from geo.reports.access.principals import Principal
from geo.reports.models import Agency, Report
from geo.reports.models.directory import in_language

TARGETS = ("report", "incident", "area")


class NamedIncident(forms.ModelChoiceField):
    def label_from_instance(self, obj: Incident) -> str:
        return f"{obj.title} ({obj.public_id})"


class NamedArea(forms.ModelChoiceField):
    def label_from_instance(self, obj: Area) -> str:
        return f"{in_language(obj.level.name_id, obj.level.name_en)} {obj.name}"


class InstructionForm(forms.Form):
    """About one report, one incident or one area; `target` is which of them, once the form is clean."""

    city = NamedCity(label=_("city"), queryset=City.objects.none())
    report = forms.CharField(label=_("report"), required=False, max_length=16, help_text=_("Its id."))
    incident = NamedIncident(label=_("or incident"), queryset=Incident.objects.none(), required=False)
    area = NamedArea(label=_("or area"), queryset=Area.objects.none(), required=False)
    agency = NamedInLanguage(
        label=_("agency"),
        queryset=Agency.objects.none(),
        required=False,
        help_text=_("Empty: the agency that has the report."),
    )
    deadline = forms.DateTimeField(
        label=_("deadline"), widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    )
    text = forms.CharField(
        label=_("What is to be done"), max_length=LONGEST_TEXT, widget=forms.Textarea(attrs={"rows": 6, "cols": 80})
    )

    def __init__(self, *args: Any, by: Principal, cities: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.by = by
        offered = {
            "incident": Incident.objects.open().filter(city__in=cities).order_by("-id"),
            "area": Area.objects.filter(city__in=cities)
            .select_related("level")
            .defer("boundary")
            .order_by("level__rank", "name"),
            "agency": Agency.objects.filter(city__in=cities).order_by("slug"),
        }
        for name, queryset in offered.items():
            field = self.fields[name]
            assert isinstance(field, forms.ModelChoiceField)
            field.queryset = queryset
        self.fields["deadline"].help_text = timezone.localtime().tzname() or ""

    def clean_report(self) -> Report | None:
        public_id = self.cleaned_data["report"].strip()
        if not public_id:
            return None
        seen = Report.objects.visible_to(self.by).select_related("agency")
        report: Report | None = seen.filter(public_id=public_id).first()
        if report is None:
            raise forms.ValidationError(_("There is no such report."))
        return report

    def clean(self) -> None:
        if not any(name in self.errors for name in TARGETS) and sum(bool(self._target(name)) for name in TARGETS) != 1:
            self.add_error("report", _("Give one of report, incident and area."))

    @property
    def target(self) -> Report | Incident | Area:
        found: Report | Incident | Area = next(filter(None, map(self._target, TARGETS)))
        return found

    def _target(self, name: str) -> Any:
        return self.cleaned_data.get(name)
