"""What can go wrong in the domain. These know no HTTP; server.core.problems gives them their statuses."""

from collections.abc import Mapping, Sequence
from typing import Any


class PantauError(Exception):
    """A sentence for the one who asked, safe to show outside."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class BadParameter(PantauError):
    """A parameter that cannot be understood, by name."""

    def __init__(self, name: str, detail: str) -> None:
        super().__init__(detail)
        self.name = name


class Unsupported(PantauError):
    """What a standard knows, and this service does not offer."""


class InvalidFields(PantauError):
    """Fields of a submitted object that cannot be accepted, each with its sentences."""

    def __init__(self, fields: Mapping[str, Sequence[str]]) -> None:
        super().__init__("; ".join(f"{name}: {' '.join(map(str, says))}" for name, says in fields.items()))
        self.fields = fields


class NotFound(PantauError):
    """No such thing, or none that this principal may see."""


class Conflict(PantauError):
    """The state is not what the writer believed it to be. `extra` says what it is, where that helps."""

    def __init__(self, detail: str, *, extra: Mapping[str, Any] | None = None) -> None:
        super().__init__(detail)
        self.extra = extra or {}


class Stale(PantauError):
    """The writer has not seen the latest state, and wanted to change nothing else."""


class Forbidden(PantauError):
    """The principal is known, and may not."""


class Unauthenticated(PantauError):
    """Who asks has not shown who they are, or has shown what is wrong. `challenge` says how it can be shown."""

    def __init__(self, detail: str, *, challenge: str) -> None:
        super().__init__(detail)
        self.challenge = challenge


class TooMany(PantauError):
    """A limit of use is reached."""

    def __init__(self, detail: str, *, retry_after_s: int) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s


class NotReady(PantauError):
    """The result is being computed, or a part that is needed is away. `extra` says where to follow it."""

    def __init__(self, detail: str, *, retry_after_s: int, extra: Mapping[str, Any] | None = None) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s
        self.extra = extra or {}
