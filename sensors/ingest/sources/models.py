"""Brokers of others whose messages come in here as well."""

import re
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from sensors.ingest.broker_url import BadBrokerUrl, BrokerUrl, parse_broker_url
from sensors.registry.models import slug_rule
from server.core import env

# The counts of slots from here on are a source's; the workers' own are small numbers.
FIRST_SLOT = 1_000
_TOPIC_FILTER = re.compile(r"(([^/+#\0]*|\+)/)*([^/+#\0]*|\+|#)")


class MqttSource(models.Model):
    """A broker of somebody else, what is asked of it, and until when all that it had is stored.

    Its password is in the environment alone, under `password_variable`.
    """

    name = models.CharField(_("name"), max_length=40, unique=True, validators=[slug_rule])
    url = models.CharField(
        _("broker's address"),
        max_length=300,
        help_text=_("mqtts://broker.example.org:8883; for an authority of one's own with ?ca=FILE."),
    )
    username = models.CharField(_("user name"), max_length=200, blank=True)
    topic_filters = models.TextField(
        _("topic filters"), help_text=_("One to a line. Topic rules say how these topics are read.")
    )
    qos = models.PositiveSmallIntegerField(
        _("quality of service"),
        choices=[(0, _("0: at most once, without a session")), (1, _("1: at least once, with a session that is kept"))],
        default=1,
    )
    client_id = models.CharField(
        _("client id"), max_length=64, blank=True, help_text=_("pantau- and the name where it is left empty.")
    )
    storage_url = models.CharField(
        _("storage's address"),
        max_length=500,
        blank=True,
        validators=[URLValidator(["http", "https"])],
        help_text=_(
            "The Things Stack's storage integration, from which gaps are filled: "
            "https://…/api/v3/as/applications/{application}/packages/storage/uplink_message"
        ),
    )
    is_active = models.BooleanField(_("active"), default=True)
    filled_until = models.DateTimeField(
        _("filled until"), null=True, blank=True, help_text=_("All until then is stored; gaps are filled from there.")
    )
    trouble = models.CharField(_("trouble"), max_length=300, blank=True, editable=False)

    class Meta:
        verbose_name = _("MQTT source")
        verbose_name_plural = _("MQTT sources")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def slot(self) -> int:
        """Under which number IngestStatus counts what came from here."""
        return FIRST_SLOT + int(self.pk)

    @property
    def password_variable(self) -> str:
        return f"PANTAU_SOURCE_{self.name.upper().replace('-', '_')}_PASSWORD"

    def password(self) -> str:
        """The password, or The Things Stack's API key; "" where the environment has none."""
        return env.text(self.password_variable, "")

    def filters(self) -> list[str]:
        return list(dict.fromkeys(line.strip() for line in self.topic_filters.splitlines() if line.strip()))

    def broker_url(self) -> BrokerUrl:
        """Errors: BadBrokerUrl."""
        url = parse_broker_url(self.url)
        return BrokerUrl(
            url.host, url.port, self.username or None, self.password() or None, url.has_tls, ca_file=url.ca_file
        )

    def clean(self) -> None:
        faults: dict[str, Any] = {}
        try:
            url = parse_broker_url(self.url)
        except BadBrokerUrl as why:
            faults["url"] = str(why)
        else:
            if url.username is not None or url.password is not None:
                faults["url"] = _("The user name has a field of its own, and the password is kept in %(variable)s.") % {
                    "variable": self.password_variable
                }
        wrong = [each for each in self.filters() if not _TOPIC_FILTER.fullmatch(each)]
        if wrong:
            faults["topic_filters"] = _("%(filter)s is no topic filter.") % {"filter": wrong[0]}
        elif not self.filters():
            faults["topic_filters"] = _("Without a topic filter nothing would come.")
        if self.storage_url and not self.username:
            faults["username"] = _("The storage's messages need it: it is {application}@{tenant}.")
        if faults:
            raise ValidationError(faults)
