"""Who writes, and what they may."""

from dataclasses import dataclass
from typing import Any

from django.db import models
from django.utils.translation import gettext as _

from server.core.errors import Forbidden, Unauthenticated


@dataclass(frozen=True, slots=True)
class Author:
    """A user of Django's, or nobody."""

    user: Any

    def must_be_known(self) -> None:
        """Errors: Unauthenticated."""
        if not self.user.is_authenticated:
            raise Unauthenticated(
                _("Sign in, or send an access token: Authorization: Bearer …"), challenge='Bearer realm="Pantau"'
            )

    def must(self, action: str, model: type[models.Model]) -> None:
        """`add`, `change` or `delete` entities of a model. Errors: Unauthenticated, Forbidden."""
        self.must_be_known()
        permission = f"{model._meta.app_label}.{action}_{model._meta.model_name}"
        if not self.user.has_perm(permission):
            raise Forbidden(
                _("Your role does not allow this (%(permission)s). Whoever administers the city gives roles.")
                % {"permission": permission}
            )
