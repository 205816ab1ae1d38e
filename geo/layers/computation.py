"""What is computed and stored rather than read: layers of numpy's results, and analyses whose result is a document."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from geo.analysis.computed import Computed, Progress
from geo.areas.models import City
from geo.layers.layer import Parameter, Query, Text


class Computation(Protocol):
    """What `geo.layers.results` has to know of a computed layer or an analysis."""

    @property
    def id(self) -> str: ...
    @property
    def compute(self) -> Callable[[Query, Progress], Computed] | None: ...
    @property
    def fresh_for(self) -> timedelta: ...


@dataclass(frozen=True, slots=True)
class Analysis:
    """An analysis whose result is a document (its `members`), declared as a layer is: parameters, what it depends on, how.

    `resolve` fills what depends on other parameters or on the clock, and refuses what is out of bounds.
    """

    id: str
    title: Text
    description: Text
    parameters: Sequence[Parameter]
    versions: Mapping[str, Sequence[str]]
    compute: Callable[[Query, Progress], Computed]
    resolve: Callable[[City, dict[str, Any], datetime], dict[str, Any]] = lambda city, values, now: values
    fresh_for: timedelta = timedelta(seconds=60)
