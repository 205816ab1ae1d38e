"""manage create_token USER NAME: an access token of a user, printed once."""

from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from geo.reports.access.tokens import DEFAULT_DAYS, Scope, create_token
from server.core.errors import InvalidFields


class Command(BaseCommand):
    help = "Makes an access token for a user and prints it; only its SHA-256 is kept, so it cannot be shown again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user", help="user name")
        parser.add_argument("name", help="what the token is for")
        parser.add_argument("--write", action="store_true", help="it may write, too; without this it only reads")
        parser.add_argument(
            "--days", type=int, default=DEFAULT_DAYS, help=f"how long it is good (default: {DEFAULT_DAYS})"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        user = get_user_model()._default_manager.filter(username=options["user"]).first()
        if user is None:
            raise CommandError(f"there is no user {options['user']!r}; ./pantau manage give_role makes an account")
        scopes = [Scope.READ, Scope.WRITE] if options["write"] else [Scope.READ]
        try:
            token, text = create_token(
                user=user, name=options["name"], scopes=scopes, now=timezone.now(), days=options["days"]
            )
        except InvalidFields as error:
            raise CommandError(error.detail) from None
        self.stderr.write(
            f"Access token of {user.get_username()} until {token.expires_at:%Y-%m-%d}; it is not shown again:"
        )
        self.stdout.write(text)
