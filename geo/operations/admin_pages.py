"""Pages of the admin on which a service is asked for something: what it refuses is said beside the form, and nothing typed is lost."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext_lazy as _

from geo.areas.models import City
from geo.reports.access.principals import Principal
from geo.reports.admin.scope import principal_in
from geo.reports.models import Agency, Category
from server.core.errors import InvalidFields, PantauError


@dataclass(frozen=True, slots=True)
class Page:
    """What a page is called, on its heading and on the button that leads to it, and what its own button says."""

    title: Any
    submit: Any
    says: Any = ""


class NamedCity(forms.ModelChoiceField):
    def label_from_instance(self, obj: City) -> str:
        return obj.name


class NamedInLanguage(forms.ModelChoiceField):
    """Agencies and categories by their name, not by their slug."""

    def label_from_instance(self, obj: Agency | Category) -> str:
        return obj.name


def city_field(form: forms.Form, cities: QuerySet[City], name: str = "city") -> None:
    """Offers these cities; where there is but one, it is chosen, and the field is not shown."""
    field = form.fields[name]
    assert isinstance(field, forms.ModelChoiceField)
    field.queryset = cities
    found = list(cities[:2])
    if len(found) == 1:
        field.initial = found[0].pk
        field.widget = forms.HiddenInput()


def dispatches_somewhere(by: Principal) -> bool:
    return by.city_ids is None or any(by.may_dispatch_in(city_id) for city_id in by.city_ids)


def dispatched_cities(by: Principal) -> QuerySet[City]:
    found = City.objects.order_by("slug")
    if by.city_ids is None:
        return found
    return found.filter(pk__in=[city_id for city_id in by.city_ids if by.may_dispatch_in(city_id)])


def ask(
    model_admin: admin.ModelAdmin,
    request: HttpRequest,
    page: Page,
    form: forms.Form,
    act: Callable[[Mapping[str, Any]], str],
    **shown: Any,
) -> HttpResponse:
    """The page with its form; once that is sent, `act` does what was asked for, and says where to go on."""
    if request.method == "POST" and form.is_valid():
        try:
            return HttpResponseRedirect(act(form.cleaned_data))
        except PantauError as error:
            _say(form, error)
    context = {
        **model_admin.admin_site.each_context(request),
        "title": page.title,
        "page": page,
        "opts": model_admin.model._meta,
        "form": form,
        **shown,
    }
    return TemplateResponse(request, "admin/geo/ask.html", context)


def _say(form: forms.Form, error: PantauError) -> None:
    if not isinstance(error, InvalidFields):
        form.add_error(None, error.detail)
        return
    for name, says in error.fields.items():
        is_shown = name in form.fields and not form.fields[name].widget.is_hidden
        form.add_error(name if is_shown else None, [str(one) for one in says])


class WithPages(admin.ModelAdmin):
    """An object's page leads to pages of its own: `pages` says which, by the last part of their address and by their method."""

    change_form_template = "admin/geo/with_pages.html"
    pages: ClassVar[Mapping[str, Page]] = {}

    def offered(self, request: HttpRequest, obj: Any) -> list[str]:
        """Those that are of use as the object stands."""
        return list(self.pages)

    def may_step(self, request: HttpRequest, obj: Any) -> bool:
        """Whether whoever asks may do what these pages are for."""
        return principal_in(request).may_dispatch_in(obj.city_id)

    def step(self, name: str, request: HttpRequest, obj: Any, page: Page) -> HttpResponse:
        raise NotImplementedError

    def address(self, obj: Any) -> str:
        return reverse(f"admin:geo_{self.model._meta.model_name}_change", args=[obj.pk])

    def get_urls(self) -> list[Any]:
        model = self.model._meta.model_name
        own = [
            path(f"<path:object_id>/{name}/", self.admin_site.admin_view(self._view(name)), name=f"geo_{model}_{name}")
            for name in self.pages
        ]
        return [*own, *super().get_urls()]

    def _view(self, name: str) -> Callable[..., HttpResponse]:
        def view(request: HttpRequest, object_id: str) -> HttpResponse:
            obj = self.get_object(request, unquote(object_id))
            if obj is None:
                raise Http404
            if not self.may_step(request, obj):
                raise PermissionDenied
            return self.step(name, request, obj, self.pages[name])

        return view

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        obj = self.get_object(request, unquote(object_id))
        names = self.offered(request, obj) if obj is not None and self.may_step(request, obj) else []
        more = {
            "pages": [(f"../{name}/", self.pages[name].title) for name in names],
            # The row of a page on which nothing is changed holds a link called "Close", as what ends an alert is.
            "has_buttons": obj is not None and self.has_change_permission(request, obj),
            "show_save_and_add_another": False,
        }
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **more})


class NoteForm(forms.Form):
    note = forms.CharField(
        label=_("note"), required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 4, "cols": 80})
    )
