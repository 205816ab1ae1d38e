"""Who may do what, in the admin: channels and their keys, people's roles and access tokens."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from geo.reports.access.channel_keys import create_key, rotate_key
from geo.reports.access.key_texts import in_force
from geo.reports.access.tokens import create_token, revoke_token
from geo.reports.admin.scope import OfOwnCity, principal_in
from geo.reports.models import AccessToken, Channel, ChannelKey, CityRole

# How long a replaced key still opens, so that its channel can change over.
CHANGE_OVER = timedelta(days=7)


def scopes_field(choices: Any) -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(label=_("scopes"), choices=choices, widget=forms.CheckboxSelectMultiple)


@admin.register(Channel)
class ChannelAdmin(OfOwnCity):
    list_display = ["slug", "name", "city", "is_simulated", "is_active"]
    list_select_related = ["city"]
    actions = ["make_key"]

    @admin.action(description=_("Create an API key, shown once"), permissions=["change"])
    def make_key(self, request: HttpRequest, queryset: QuerySet[Channel]) -> None:
        if not request.user.has_perm("geo.add_channelkey"):
            messages.error(request, _("You may not create API keys."))
            return
        for channel in self.theirs(request, queryset):
            _key, text = create_key(channel=channel)
            _show_once(request, channel, text)


def _show_once(request: HttpRequest, channel: Channel, text: str) -> None:
    says = _("API key of %(channel)s, not shown again: %(key)s") % {"channel": channel.slug, "key": text}
    messages.warning(request, says)


@admin.register(ChannelKey)
class ChannelKeyAdmin(OfOwnCity):
    """Keys are made by an action of their channel; here they are seen, narrowed, replaced and revoked."""

    city_path = "channel__city"
    list_display = ["channel", "prefix", "scopes", "created_at", "last_used_at", "revoked_at"]
    list_select_related = ["channel"]
    fields = ["channel", "prefix", "scopes", "requests_per_window", "created_at", "last_used_at", "revoked_at"]
    readonly_fields = ["channel", "prefix", "created_at", "last_used_at", "revoked_at"]
    actions = ["revoke", "rotate"]

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name != "scopes":
            return super().formfield_for_dbfield(db_field, request, **kwargs)
        return scopes_field(ChannelKey.Scope.choices)

    @admin.action(description=_("Revoke the chosen keys"), permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ChannelKey]) -> None:
        now = timezone.now()
        self.theirs(request, queryset).filter(in_force(now)).update(revoked_at=now)

    @admin.action(description=_("Replace the chosen keys: the old ones end in a week"), permissions=["change"])
    def rotate(self, request: HttpRequest, queryset: QuerySet[ChannelKey]) -> None:
        now = timezone.now()
        for key in self.theirs(request, queryset).filter(in_force(now)).select_related("channel"):
            _key, text = rotate_key(channel=key.channel, now=now, revoke_at=now + CHANGE_OVER, old=key)
            _show_once(request, key.channel, text)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


class UserByName(forms.ModelChoiceField):
    """An account by its exact name: a list of all would show them to the administrators of every city."""

    widget = forms.TextInput

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, int):
            return get_user_model()._default_manager.filter(pk=value).values_list("username", flat=True).first()
        return super().prepare_value(value)


@admin.register(CityRole)
class CityRoleAdmin(OfOwnCity):
    list_display = ["user", "city", "role", "agency", "area"]
    list_filter = ["city", "role", "agency"]
    list_select_related = ["user", "city", "agency", "area"]
    autocomplete_fields = ["agency", "area"]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """An upgrade leaves officers as they were: those of nothing see no report that is not public, and know not why."""
        of_nothing = self.get_queryset(request).filter(role=CityRole.Role.OFFICER, agency=None, area=None)
        n = of_nothing.values("user").distinct().count()
        if n and request.method == "GET":
            says = ngettext(
                "%(n)d officer has neither an agency nor an area, and sees only what is public: give the role one.",
                "%(n)d officers have neither an agency nor an area, and see only what is public: give the roles one.",
                n,
            )
            messages.warning(request, says % {"n": n})
        return super().changelist_view(request, extra_context)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name != "user":
            return super().formfield_for_foreignkey(db_field, request, **kwargs)
        users = get_user_model()._default_manager.all()
        return UserByName(label=_("user name"), queryset=users, to_field_name="username")

    def save_model(self, request: HttpRequest, obj: CityRole, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        # A role opens nothing to an account that may not sign in here.
        get_user_model()._default_manager.filter(pk=obj.user_id, is_staff=False).update(is_staff=True)


@admin.register(AccessToken)
class AccessTokenAdmin(admin.ModelAdmin):
    """Each sees and revokes their own, superusers everybody's. A new one is shown once."""

    list_display = ["name", "user", "prefix", "scopes", "created_at", "last_used_at", "expires_at", "revoked_at"]
    list_select_related = ["user"]
    readonly_fields = ["user", "prefix", "created_at", "last_used_at", "expires_at", "revoked_at"]
    actions = ["revoke"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[AccessToken]:
        found: QuerySet[AccessToken] = super().get_queryset(request)
        by = principal_in(request)
        return found if by.is_superuser else found.filter(user_id=by.user_id or 0)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ["name", "scopes"] if obj is None else ["name", "scopes", *self.readonly_fields]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None else ["scopes", *self.readonly_fields]

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name != "scopes":
            return super().formfield_for_dbfield(db_field, request, **kwargs)
        return scopes_field(AccessToken.Scope.choices)

    def save_model(self, request: HttpRequest, obj: AccessToken, form: Any, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        assert not isinstance(request.user, AnonymousUser)
        token, text = create_token(user=request.user, name=obj.name, scopes=obj.scopes, now=timezone.now())
        obj.pk = token.pk
        messages.warning(request, _("Access token, not shown again: %(token)s") % {"token": text})

    @admin.action(description=_("Revoke the chosen tokens"), permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[AccessToken]) -> None:
        for token in queryset:
            revoke_token(token=token, now=timezone.now())

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
