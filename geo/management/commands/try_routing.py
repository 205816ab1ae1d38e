"""manage try_routing: what the routing rules would do, before they do it."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from geo.areas.models import City
from geo.operations.routing.dry_run import DryRun, Explanation, dry_run, explain
from geo.operations.routing.reading import read_rules
from geo.operations.routing.rules import Verdict
from geo.operations.routing.words import VERDICTS, fault_text
from geo.reports.access.principals import Origin, Principal
from geo.reports.models import Report, RoutingRule
from server.core.errors import PantauError


class Command(BaseCommand):
    help = (
        "Shows which open reports would go to another agency than they have, by rule, and which rules never match. With "
        "--report, why one report goes where it goes. Nothing is written."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--city", help="slug of the city, where there is more than one")
        parser.add_argument(
            "--days", type=int, metavar="N", help="reports of the last N days, closed ones too (open ones)"
        )
        parser.add_argument(
            "--rules", type=Path, metavar="FILE.json", help="try these instead of those that are stored"
        )
        parser.add_argument("--report", metavar="ID", help="explain one report")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["days"] is not None and not 1 <= options["days"] <= 3660:
            raise CommandError("--days lies between 1 and 3660")
        report = _report(options["report"])
        city = report.city if report is not None else _city(options["city"])
        try:
            rules = _rules(options["rules"], city)
            if report is not None:
                self._explain(report, explain(report=report, now=timezone.now(), rules=rules))
                return
            by = Principal(is_superuser=True, origin=Origin.COMMAND)
            self._show(dry_run(city=city, by=by, now=timezone.now(), days=options["days"], rules=rules))
        except PantauError as error:
            raise CommandError(error.detail) from None

    def _show(self, found: DryRun) -> None:
        which = "open reports" if found.since is None else f"reports since {found.since:%Y-%m-%d}"
        self.stdout.write(f"{found.city}: {found.reports} {which}, {found.moved} would go to another agency")
        for fault in found.faults:
            self.stdout.write(f"! {fault_text(fault)}")
        self._table(
            ("rule", "decides about", "would move"),
            [(_rule(one.rule), str(one.reports), str(one.moved)) for one in found.outcomes],
        )
        self._table(
            ("from", "to", "reports", "by rule"),
            [
                (one.from_agency or "-", one.to_agency or "-", str(one.reports), str(one.rule or "-"))
                for one in found.moves
            ],
        )
        self._table(
            ("report", "category", "area", "status", "from", "to"),
            [
                (one.report, one.category, one.area or "-", one.status, one.from_agency or "-", one.to_agency or "-")
                for one in found.examples
            ],
        )

    def _explain(self, report: Report, found: Explanation) -> None:
        area = report.public_area.code if report.public_area is not None else "no area"
        self.stdout.write(f"{report.public_id}: {report.category.slug}, {area}, {report.status}")
        for rule, verdict in found.verdicts:
            self.stdout.write(f"  {rule}: {VERDICTS[verdict]}")
        if found.rule is not None:
            why = f"by rule {found.rule.position}"
        elif found.named_by is not None:
            why = f"no rule matches; the category {found.named_by.slug} names it"
        else:
            why = "no rule matches, and no category names an agency"
        to, has = (one.slug if one is not None else "nobody" for one in (found.agency, found.has))
        self.stdout.write(f"goes to {to}: {why}; has {has}")

    def _table(self, header: tuple[str, ...], lines: list[tuple[str, ...]]) -> None:
        if not lines:
            return
        self.stdout.write("")
        rows = [header, *lines]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            self.stdout.write("  ".join(cells).rstrip())


def _rule(rule: RoutingRule) -> str:
    return str(rule) if rule.is_active else f"{rule} ({VERDICTS[Verdict.INACTIVE]})"


def _report(public_id: str | None) -> Report | None:
    if public_id is None:
        return None
    found = Report.objects.select_related("city", "category", "public_area", "agency").defer("public_area__boundary")
    report = found.filter(public_id=public_id).first()
    if report is None:
        raise CommandError(f"there is no report {public_id!r}")
    return report


def _city(slug: str | None) -> City:
    cities = {city.slug: city for city in City.objects.order_by("slug")}
    if slug is None and len(cities) == 1:
        return next(iter(cities.values()))
    if slug not in cities:
        asked = f"there is no city {slug!r}" if slug is not None else "which city? (--city)"
        raise CommandError(f"{asked}; known are {', '.join(cities) or 'none'}")
    return cities[slug]


def _rules(path: Path | None, city: City) -> list[RoutingRule] | None:
    if path is None:
        return None
    try:
        records = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror or error}") from None
    except ValueError as error:
        raise CommandError(f"{path} is no JSON: {error}") from None
    return read_rules(records, city)
