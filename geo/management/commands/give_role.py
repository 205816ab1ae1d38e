"""manage give_role USER ROLE: what a person may do in the city; makes the account where there is none."""

import secrets
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import translation

from geo.areas.models import Area, City
from geo.reports.models import Agency, CityRole


class Command(BaseCommand):
    help = "Gives an account a role in the city. An account that is not there is made, and its password printed once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user", help="user name")
        parser.add_argument("role", choices=CityRole.Role.values)
        parser.add_argument("--city", metavar="SLUG", help="needed where there are several")
        parser.add_argument("--agency", metavar="SLUG", help="of an officer")
        parser.add_argument("--area", metavar="CODE", help="of an officer or a dispatcher: this area alone")
        parser.add_argument("--email", default="", help="of an account that is made")

    def handle(self, *args: Any, **options: Any) -> None:
        city = _one(City.objects.all(), "city", "slug", options["city"])
        agency, area = options["agency"], options["area"]
        with transaction.atomic(), translation.override("en"):  # as all that a command says
            user, password = self._account(options["user"], options["email"])
            role = CityRole(
                user=user,
                city=city,
                role=options["role"],
                agency=_one(Agency.objects.filter(city=city), "agency", "slug", agency) if agency else None,
                area=_one(Area.objects.filter(city=city), "area", "code", area) if area else None,
            )
            is_there = CityRole.objects.filter(
                user=user, city=city, role=role.role, agency=role.agency, area=role.area
            ).exists()
            if not is_there:
                try:
                    role.full_clean()
                except ValidationError as error:
                    raise CommandError(" ".join(error.messages)) from None
                role.save()
            # As the admin does: a role is what lets an account in.
            User.objects.filter(pk=user.pk).update(is_staff=True)
        self.stderr.write(_named(user, role) + (" (the role is there already)" if is_there else ""))
        if password:
            self.stderr.write("the account is new; its password, which is not shown again:")
            self.stdout.write(password)

    def _account(self, name: str, email: str) -> tuple[User, str]:
        accounts = User.objects
        user = accounts.filter(username=name).first()
        if user is not None:
            return user, ""
        password = secrets.token_urlsafe(15)
        user = User(username=name, email=email)
        user.set_password(password)
        try:
            user.full_clean()
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        user.save()
        return user, password


def _named(user: User, role: CityRole) -> str:
    of = (
        role.agency.slug if role.agency is not None else "",
        role.area.code if role.area is not None else "",
        role.city.slug,
    )
    return f"{user.get_username()}: {role.role} of {' '.join(filter(None, of))}"


def _one(rows: Any, noun: str, field: str, value: str | None) -> Any:
    """The only row, or the one of this name; CommandError that lists what there is."""
    found = rows.filter(**{field: value}) if value else rows
    if found.count() != 1:
        known = ", ".join(rows.order_by(field).values_list(field, flat=True)[:20])
        raise CommandError(f"which {noun}? {value or 'none'} was given; known are {known or 'none'}")
    return found.get()
