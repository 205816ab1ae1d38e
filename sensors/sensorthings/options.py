"""Query options: `$filter`, `$orderby`, `$top`, `$skip`, `$count`, `$select`, `$expand` and those inside `$expand`. Pure.

Source: OGC 18-088, clause 9.3; OASIS OData 4.0 URL conventions, 5.1.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from odata_query import ast

from sensors.sensorthings.entities import ENTITY_TYPES, ID_NAMES, SELF_NAMES, EntityType, Navigation
from sensors.sensorthings.syntax import parse_expression
from server.core.errors import BadParameter, Unsupported
from server.core.params import parse_choice, parse_integer

DEFAULT_TOP = 100
MOST_TOP = 10_000
MOST_SKIP = 10**12
DEEPEST = 8
# As many entities are shown in one another at most, where more than $top's default are asked for: the rest is behind a nextLink.
MOST_EXPANDED = 1_000_000
INNER = ("$filter", "$orderby", "$top", "$skip", "$count", "$select", "$expand")
OUTER = (*INNER, "$skiptoken", "$resultFormat")
# Of one entity there is nothing to count, to filter or to sort.
OF_ONE = ("$select", "$expand")
_OPENING, _CLOSING = "(", ")"


@dataclass(frozen=True, slots=True)
class Order:
    """One expression of `$orderby`."""

    expression: ast._Node
    is_descending: bool


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked of a list of entities, or of one. `given` are the options as they were written, for links to more."""

    filter: ast._Node | None = None
    orderby: tuple[Order, ...] = ()
    top: int = DEFAULT_TOP
    skip: int = 0
    count: bool = False
    select: tuple[str, ...] = ()
    expand: tuple["Expansion", ...] = ()
    skiptoken: str = ""
    is_data_array: bool = False
    given: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Expansion:
    """Related entities to be shown inline, by the name of the navigation."""

    name: str
    query: Query


@dataclass(frozen=True, slots=True)
class _Way:
    """How an expansion was come to: how deep it lies, how many there may be of each (`room`), and the sets that were expanded."""

    is_many: bool
    depth: int = 0
    room: int = MOST_EXPANDED
    sets: frozenset[str] = frozenset()

    @property
    def most_top(self) -> int:
        return min(MOST_TOP, max(DEFAULT_TOP, self.room)) if self.is_many else MOST_TOP

    def of(self, top: int) -> "_Way":
        """Of each of so many."""
        return replace(self, room=self.room // max(top, 1)) if self.is_many else self

    def to(self, navigation: Navigation) -> "_Way":
        """Errors: BadParameter for a set a second time: each turn would multiply all that is shown by its size."""
        if not navigation.is_many:
            return replace(self, is_many=False, depth=self.depth + 1)
        if navigation.target in self.sets:
            raise BadParameter("$expand", f"$expand: {navigation.target} are expanded inside of what they expand to")
        return replace(self, is_many=True, depth=self.depth + 1, sets=self.sets | {navigation.target})


def parse_query(entity: EntityType, given: Mapping[str, str], *, is_collection: bool = True) -> Query:
    """Errors: BadParameter that names the option; Unsupported for an option of OData's that is not offered."""
    known = OUTER if is_collection else OF_ONE
    for name in given:
        if name not in OUTER and name.startswith("$"):
            raise Unsupported(f"the query option {name} is not offered; there are {', '.join(OUTER)}")
        if name not in known:
            raise BadParameter(name, f"{name} has no meaning here; known are {', '.join(known)}")
    return _query(entity, given, _Way(is_many=is_collection))


def _query(entity: EntityType, given: Mapping[str, str], way: "_Way") -> Query:
    top = parse_integer(given.get("$top", str(DEFAULT_TOP)), "$top", minimum=0, maximum=way.most_top, clamp=True)
    given_filter, count = given.get("$filter"), given.get("$count", "false")
    query = Query(
        filter=parse_expression(given_filter, "$filter") if given_filter is not None else None,
        orderby=tuple(_orders(given["$orderby"])) if "$orderby" in given else (),
        top=top,
        skip=parse_integer(given.get("$skip", "0"), "$skip", minimum=0, maximum=MOST_SKIP),
        count=parse_choice(count, "$count", ("true", "false")) == "true",
        select=tuple(_selected(entity, given["$select"])) if "$select" in given else (),
        expand=_expansions(entity, given["$expand"], way.of(top)) if "$expand" in given else (),
        skiptoken=given.get("$skiptoken", ""),
        given=tuple(given.items()),
    )
    if "$resultFormat" not in given:
        return query
    parse_choice(given["$resultFormat"], "$resultFormat", ("dataArray",))
    if entity.name != "Observation":
        raise BadParameter("$resultFormat", "$resultFormat: dataArray is a form of Observations alone")
    if query.expand or set(query.select) & set(entity.navigations):
        raise BadParameter("$resultFormat", "$resultFormat: a dataArray has no room for related entities")
    return replace(query, is_data_array=True)


def _orders(text: str) -> Iterable[Order]:
    for part in split(text, ",", "$orderby"):
        words = part.rsplit(None, 1)
        direction = words[1].lower() if len(words) == 2 else ""
        expression = words[0] if direction in ("asc", "desc") else part
        yield Order(parse_expression(expression, "$orderby"), direction == "desc")


def _selected(entity: EntityType, text: str) -> Iterable[str]:
    known = (*ID_NAMES, *SELF_NAMES, *entity.properties, *entity.navigations)
    for name in split(text, ",", "$select"):
        if name not in known:
            raise BadParameter("$select", f"$select: {entity.name} has no {name!r}; it has {', '.join(known)}")
        yield name


def _expansions(entity: EntityType, text: str, way: "_Way") -> tuple[Expansion, ...]:
    if way.depth >= DEEPEST:
        raise BadParameter("$expand", f"$expand goes deeper than {DEEPEST} levels")
    found: dict[str, Expansion] = {}
    for item in split(text, ",", "$expand"):
        expansion = _expansion(entity, item, way)
        found[expansion.name] = _merged(found[expansion.name], expansion) if expansion.name in found else expansion
    return tuple(found.values())


def _expansion(entity: EntityType, item: str, before: "_Way") -> Expansion:
    """`Datastreams`, `Datastreams($top=1)`, or `Datastreams/Observations($top=1)`, whose options are the last one's."""
    way, options = item, ""
    if _OPENING in item:
        way, _opening, options = item.partition(_OPENING)
        if not options.endswith(_CLOSING):
            raise BadParameter("$expand", f"$expand cannot be read at {item[-40:]!r}")
        options = options[:-1]
    name, _slash, rest = way.strip().partition("/")
    navigation = entity.navigations.get(name)
    if navigation is None:
        raise BadParameter(
            "$expand", f"$expand: {entity.name} leads to no {name!r}, but to {', '.join(entity.navigations)}"
        )
    target, way_here = ENTITY_TYPES[navigation.target], before.to(navigation)
    if rest:
        inner = f"{rest}({options})" if options else rest
        return Expansion(
            name, Query(expand=_expansions(target, inner, way_here.of(DEFAULT_TOP)), given=(("$expand", inner),))
        )
    try:
        return Expansion(name, _query(target, _options(options), way_here))
    except BadParameter as error:
        raise within(name, error) from None


def within(name: str, error: BadParameter) -> BadParameter:
    """What is wrong inside an expansion is wrong in `$expand`."""
    detail = error.detail if error.name == "$expand" else f"$expand, in {name}(…): {error.detail}"
    return BadParameter("$expand", detail)


def _options(text: str) -> dict[str, str]:
    options: dict[str, str] = {}
    for part in split(text, ";", "$expand") if text.strip() else ():
        name, equals, value = part.partition("=")
        name = name.strip()
        if not equals or name not in INNER:
            raise BadParameter("$expand", f"$expand: {part[:60]!r} is no query option; there are {', '.join(INNER)}")
        if name in options:
            raise BadParameter("$expand", f"$expand: {name} is given twice")
        options[name] = value.strip()
    return options


def _merged(one: Expansion, other: Expansion) -> Expansion:
    """`Datastreams/Thing,Datastreams/Sensor` is one way with two branches."""
    with_more = [each for each in (one, other) if any(name != "$expand" for name, _value in each.query.given)]
    if len(with_more) == 2:
        raise BadParameter("$expand", f"$expand: {one.name} is given twice, with options of its own each time")
    branches = {each.name: each for each in one.query.expand}
    for each in other.query.expand:
        branches[each.name] = _merged(branches[each.name], each) if each.name in branches else each
    base = (with_more or [one])[0]
    inner = ",".join(value for each in (one, other) for name, value in each.query.given if name == "$expand")
    given = tuple(pair for pair in base.query.given if pair[0] != "$expand") + ((("$expand", inner),) if inner else ())
    return Expansion(one.name, replace(base.query, expand=tuple(branches.values()), given=given))


def split(text: str, separator: str, option: str) -> list[str]:
    """The parts of a list, whose separators inside parentheses and quotes are not its own.

    Errors: BadParameter for a part that is empty, and for parentheses or quotes that do not match.
    """
    parts, depth, is_quoted, start = [], 0, False, 0
    for place, character in enumerate(text):
        if character == "'":
            is_quoted = not is_quoted
        elif is_quoted:
            continue
        elif character == _OPENING:
            depth += 1
        elif character == _CLOSING:
            depth -= 1
            if depth < 0:
                break
        elif character == separator and not depth:
            parts.append(text[start:place].strip())
            start = place + 1
    parts.append(text[start:].strip())
    if depth or is_quoted:
        raise BadParameter(option, f"{option}: parentheses or quotes do not match in {text[:60]!r}")
    if not all(parts):
        raise BadParameter(option, f"{option}: a part of the list is empty")
    return parts
