"""manage ensure_admin: the superuser whose password the environment gives."""

from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand

from server.core import env


class Command(BaseCommand):
    help = (
        "Makes the superuser PANTAU_ADMIN_USER (admin) with PANTAU_ADMIN_PASSWORD; sets the password where it differs."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        name = env.text("PANTAU_ADMIN_USER", "admin")
        password = env.text("PANTAU_ADMIN_PASSWORD")
        user, created = get_user_model().objects.get_or_create(
            username=name, defaults={"is_staff": True, "is_superuser": True}
        )
        if not user.check_password(password):
            user.set_password(password)
            user.save(update_fields=["password"])
            self.stdout.write(f"{name}: {'created' if created else 'password changed'}")
        else:
            self.stdout.write(f"{name}: nothing to do")
