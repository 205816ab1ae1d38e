"""What goes with the complaints of an area: the strongest of its categories against its observed properties."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from geo.analysis.dossier_figures import SQL, Subject, figure, rounded
from geo.analysis.matrix import Matrix, MatrixParams, Pair, compute_matrix
from geo.analysis.statistics.rate_ratio import Estimate
from geo.analysis.timeline import Interval
from sensors import published

MOST = 10
# Hours tell what follows what on a day of floods; of a longer period days do, and take a tenth of the time.
HOURLY_TO = timedelta(days=100)


def strongest_correlations(subject: Subject) -> dict[str, Any]:
    """The pairs of the area's matrix that are most certain, each with its interval, and how many were tried. Six queries."""
    interval: Interval = "hour" if subject.params.end - subject.params.start <= HOURLY_TO else "day"
    groups = {row["id"]: row for row in subject.rows(SQL.category_groups)}
    codes = published.observed_property_codes()
    said: dict[str, Any] = {"interval": interval, "method": "pearson", "tests": 0, "pairs": []}
    if not groups or not codes or subject.start >= subject.end:
        return {**said, "reason": "nothing_to_correlate"}
    found = compute_matrix(
        MatrixParams(
            city_id=subject.params.city_id,
            zone=subject.params.zone,
            area_id=subject.area.id,
            categories={key: row["category_ids"] for key, row in groups.items()},
            properties=codes,
            start=subject.start,
            end=subject.end,
            interval=interval,
            now=subject.params.now,
            max_distance_m=subject.params.max_distance_m,
        )
    )
    pairs = [_pair(pair, groups[pair.category], found, interval) for pair in found.pairs if pair.p is not None][:MOST]
    return {**said, "tests": found.tests, "pairs": pairs, "reason": None if pairs else "too_little_in_common"}


def _pair(pair: Pair, category: Mapping[str, Any], matrix: Matrix, interval: str) -> dict[str, Any]:
    """`lag`: intervals by which the reports come after the property. `q`: p among all pairs that were tried."""
    measured = matrix.measured[pair.property]
    return {
        "pair": f"{category['slug']}~{pair.property}",
        "category": category["slug"],
        "name_id": category["name_id"],
        "name_en": category["name_en"],
        "property": pair.property,
        "coefficient": figure(
            pair.coefficient,
            "1",
            n=pair.n,
            interval=Estimate(pair.coefficient, pair.low, pair.high),
            compared_with="no_relation",
            reference=0.0,
        ),
        "n_effective": rounded(pair.n_effective),
        "lag": figure(pair.lag, "h" if interval == "hour" else "d", n=pair.n),
        "p": rounded(pair.p),
        "q": rounded(pair.q),
        "spearman": rounded(pair.other_coefficient),
        "reports": matrix.reports[pair.category],
        "value_source": measured.source,
        "things": list(measured.things),
        "distances_m": [round(distance, 1) for distance in measured.distances_m],
        "interpolation_error": rounded(measured.error),
    }
