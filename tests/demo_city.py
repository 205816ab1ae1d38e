"""The demo city without a broker: what its model measures as hourly rollups, and the reports that follow from it."""

from datetime import datetime, timedelta

import numpy as np
from django.core.management import call_command

from geo.areas.models import City
from geo.demo import filing
from geo.demo.messages import step_of_the_past, times_between
from geo.demo.network import load_network, model_of
from geo.demo.report_model import ReportModel
from sensors.observations.models import HourlyRollup


def fill_demo_city(*, days: int, now: datetime) -> City:
    """Bekasi from the fixtures, and the last `days` days before `now` of what its model says."""
    call_command("load_fixtures", verbosity=0)
    city = City.objects.get(slug="bekasi")
    network, model = load_network(city), model_of(city)
    start = now - timedelta(days=days)
    rollups = []
    for feed in network.feeds:
        times = times_between(
            feed, int(start.timestamp()), int(now.timestamp()), step_of_the_past(feed), utc_offset_h=7
        )
        for stream, datastream_id in zip(feed.streams, feed.datastream_ids, strict=True):
            values = model.sample(stream, times, feed.interval_s)
            hours, first, counts = np.unique(times // 3600, return_index=True, return_counts=True)
            sums = np.add.reduceat(values, first)
            least, most = np.minimum.reduceat(values, first), np.maximum.reduceat(values, first)
            for hour, n, total, low, high in zip(hours, counts, sums, least, most, strict=True):
                rollups.append(
                    HourlyRollup(
                        datastream_id=datastream_id,
                        hour=datetime.fromtimestamp(int(hour) * 3600, now.tzinfo),
                        n=int(n),
                        sum=float(total),
                        min=float(low),
                        max=float(high),
                    )
                )
    HourlyRollup.objects.bulk_create(rollups, batch_size=5000)
    reports = filing.reports_between(ReportModel(model), network.districts, start, now)
    filing.file_in_bulk(city, reports, now=now)
    return city
