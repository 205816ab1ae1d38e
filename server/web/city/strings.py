"""The words that the script of the city at a glance says; all others are rendered by the server."""

from django.utils.translation import gettext_lazy as _

CITY_STRINGS = {
    "just_now": _("just now"),
    "as_of": _("As it was {ago}"),
    "lost_touch": _("Lost touch. This is how it was {ago}."),
    "stale": _("The service answers, but its figures are of {ago}."),
}
