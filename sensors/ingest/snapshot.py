"""The registry and the topic rules as the worker knows them: a copy in memory, renewed now and then, asked anew about names it
has never heard."""

from collections import defaultdict
from collections.abc import Iterable

from sensors.ingest.batch import DatastreamRef
from sensors.ingest.decoders import Decoder
from sensors.ingest.models import TopicRule
from sensors.ingest.topics import DATASTREAMS
from sensors.registry.models import Datastream, Thing


class RegistrySnapshot:
    """Thing slug -> observed property code -> datastream, as of the last `reload` or `look_up`; `decode` reads by the rules.

    Under `@datastreams` all datastreams stand by their number, for messages that name them so.
    """

    def __init__(self) -> None:
        self.things: dict[str, dict[str, DatastreamRef]] = {}
        self.decode = Decoder()

    def reload(self) -> None:
        """Everything anew: changed plausible ranges and rules, and what was taken away, are noticed here."""
        self.things = _load(None)
        rules = TopicRule.objects.in_force()
        if rules != self.decode.rules:
            self.decode = Decoder(rules)

    def topic_filters(self) -> list[str]:
        return [rule.topic_filter() for rule in self.decode.rules]

    def look_up(self, slugs: Iterable[str]) -> bool:
        """Asks about these things only; true when something new was learnt. One small query, so it needs no rate limit."""
        found = _load(slugs)
        numbered = found.pop(DATASTREAMS, {})
        is_new = any(self.things.get(slug) != datastreams for slug, datastreams in found.items())
        self.things |= found
        self.things.setdefault(DATASTREAMS, {}).update(numbered)
        return is_new


def _load(slugs: Iterable[str] | None) -> dict[str, dict[str, DatastreamRef]]:
    things = Thing.objects.all()
    # What is derived is nobody's to send.
    datastreams = Datastream.objects.filter(derivation="")
    if slugs is not None:
        # A NUL cannot stand in PostgreSQL's text, nor in a slug.
        wanted = [slug for slug in slugs if "\0" not in slug and slug != DATASTREAMS]
        things, datastreams = things.filter(slug__in=wanted), datastreams.filter(thing__slug__in=wanted)
    found: dict[str, dict[str, DatastreamRef]] = defaultdict(dict)
    for slug in things.values_list("slug", flat=True):
        found[slug] = {}
    other_names: list[tuple[str, str, DatastreamRef]] = []
    for slug, code, id_, unit, least, greatest, sent_as in datastreams.values_list(
        "thing__slug", "observed_property__code", "id", "unit_ucum", "plausible_min", "plausible_max", "sent_as"
    ).order_by():
        found[slug][code] = found[DATASTREAMS][str(id_)] = ref = DatastreamRef(id_, least, greatest, unit)
        if sent_as:
            other_names.append((slug, sent_as, ref))
    for slug, name, ref in other_names:
        # A name that is another datastream's code means that one.
        found[slug].setdefault(name, ref)
    return dict(found)
