"""The requests of a batch and their answers, whatever form they come in. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

MOST_REQUESTS = 1_000
# Of a request that was undone, since another one of its group failed.
FAILED_DEPENDENCY = 424


class BadBatch(ValueError):
    """A sentence on what of a batch cannot be read."""


@dataclass(frozen=True, slots=True)
class Part:
    """A request inside a batch. `id` is what others call it by ("" for none); those of one `group` are done all or not at all."""

    id: str
    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a part."""

    id: str
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    group: str | None = None

    @property
    def is_failure(self) -> bool:
        return self.status >= 400


def grouped(parts: Sequence[Part]) -> list[list[Part]]:
    """In their order; neighbours of one group together. Errors: BadBatch where a group is torn apart, or one id is two's."""
    runs: list[list[Part]] = []
    for part in parts:
        if runs and part.group is not None and runs[-1][0].group == part.group:
            runs[-1].append(part)
        else:
            runs.append([part])
    names = [run[0].group for run in runs if run[0].group is not None]
    if len(set(names)) != len(names):
        raise BadBatch("the requests of one atomicityGroup are to stand together")
    ids = [part.id for part in parts if part.id]
    if len(set(ids)) != len(ids):
        raise BadBatch("two requests have the same id")
    return runs
