"""What is published of observations: the topic and the JSON of each, as a GET would answer it. Pure."""

import json
from collections.abc import Collection, Iterator
from datetime import UTC

from sensors.observations.columns import time_at
from sensors.observations.journal import Entry, Kind
from sensors.observations.models import Quality

# The path of the service over HTTP, too: a topic of this service is the path of what it tells of. It is not `v1.1/…`, on
# which observations come in: the worker would take what is published there for new ones, and store, count and refuse it again.
ROOT = "sta/v1.1"


def observation_messages(
    entry: Entry, base_url: str, hidden: Collection[int] = frozenset()
) -> Iterator[tuple[str, bytes]]:
    """Topic and payload of each observation that was stored or changed, but for those of `hidden` datastreams.

    A deleted one is not told of: OGC 18-088 knows no message for it.
    """
    if entry.kind is Kind.DELETED:
        return
    columns = zip(entry.datastream_ids, entry.phenomenon_us, entry.results, entry.qualities, strict=True)
    for datastream_id, phenomenon_us, result, quality in columns:
        if datastream_id in hidden:
            continue
        self_link = f"{base_url}/{ROOT}/Observations('{datastream_id}-{phenomenon_us}')"
        time = time_at(phenomenon_us).astimezone(UTC).isoformat().replace("+00:00", "Z")
        observation = {
            "@iot.id": f"{datastream_id}-{phenomenon_us}",
            "@iot.selfLink": self_link,
            "phenomenonTime": time,
            "resultTime": time,
            "result": result,
            "resultQuality": ",".join(flag.name.lower() for flag in Quality if flag and quality & flag) or "good",
            "Datastream@iot.navigationLink": f"{self_link}/Datastream",
            "FeatureOfInterest@iot.navigationLink": f"{self_link}/FeatureOfInterest",
        }
        yield f"{ROOT}/Datastreams({datastream_id})/Observations", json.dumps(observation).encode()
