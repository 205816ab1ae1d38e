"""The board's answers, for the API's definition; the views fill them from geo.operations.board.figures."""

from typing import Any

from rest_framework import serializers

from geo.reports.workflow import Status


class BoardPeriodSerializer(serializers.Serializer[Any]):
    """Half-open: `end` is the first moment that no longer counts."""

    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    time_zone = serializers.CharField()


class HoursSerializer(serializers.Serializer[Any]):
    """Hours of the calendar, of `n` reports; null of none."""

    n = serializers.IntegerField()
    median = serializers.FloatField(allow_null=True)
    p90 = serializers.FloatField(allow_null=True)


class StandingSerializer(serializers.Serializer[Any]):
    """Open at `as_of`, whenever it was reported."""

    open = serializers.IntegerField()
    due_soon = serializers.IntegerField(help_text="Due within 24 hours.")
    late = serializers.IntegerField()
    late_first_response = serializers.IntegerField(help_text="Nobody has answered yet, and somebody should have.")
    reopened = serializers.IntegerField(help_text="Reopened once at least.")
    without_agency = serializers.IntegerField()


class PeriodOutcomeSerializer(serializers.Serializer[Any]):
    """Of the reports of the period."""

    reported = serializers.IntegerField()
    resolved = serializers.IntegerField()
    reopened = serializers.IntegerField(help_text="Reopened once at least.")
    handed_over = serializers.IntegerField(help_text="Handed over twice at least.")
    late = serializers.IntegerField(help_text="Closed too late, or open and past their time.")
    late_share = serializers.FloatField(allow_null=True, help_text="Of those with a target, from 0 to 1.")
    late_first_response = serializers.IntegerField()
    late_first_response_share = serializers.FloatField(allow_null=True)
    first_response_h = HoursSerializer()
    resolution_h = HoursSerializer()


class GroupSerializer(serializers.Serializer[Any]):
    id = serializers.CharField(allow_null=True, help_text="Slug or code; null: the reports that have none.")
    name = serializers.CharField(allow_null=True)
    now = StandingSerializer()
    outcome = PeriodOutcomeSerializer()


class StatusCountSerializer(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=Status.choices)
    name = serializers.CharField()
    open = serializers.IntegerField(help_text="At `as_of`, whenever they were reported.")
    reported = serializers.IntegerField(help_text="Of the period.")


class BoardSerializer(serializers.Serializer[Any]):
    city = serializers.CharField()
    as_of = serializers.DateTimeField(help_text="Whole minutes: what is late is late by this time.")
    period = BoardPeriodSerializer()
    now = StandingSerializer()
    outcome = PeriodOutcomeSerializer()
    statuses = StatusCountSerializer(many=True)


class GroupsSerializer(serializers.Serializer[Any]):
    city = serializers.CharField()
    as_of = serializers.DateTimeField()
    period = BoardPeriodSerializer()
    now = StandingSerializer()
    outcome = PeriodOutcomeSerializer()
    groups = GroupSerializer(many=True)


class PairSerializer(serializers.Serializer[Any]):
    from_agency = serializers.CharField()
    to_agency = serializers.CharField()
    handovers = serializers.IntegerField()
    reports = serializers.IntegerField()


class PingPongSerializer(serializers.Serializer[Any]):
    """Handovers of the period, of reports that were handed over twice at least; the most frequent pair first."""

    city = serializers.CharField()
    as_of = serializers.DateTimeField()
    period = BoardPeriodSerializer()
    pairs = PairSerializer(many=True)


class ClosingRowSerializer(serializers.Serializer[Any]):
    agency = serializers.CharField(allow_null=True)
    resolved = serializers.IntegerField()
    confirmed = serializers.IntegerField()
    disputed = serializers.IntegerField()
    reopened = serializers.IntegerField()
    contested = serializers.IntegerField(help_text="Disputed, reopened, or both.")
    contested_share = serializers.FloatField(help_text="Of the resolved, from 0 to 1.")


class ClosingsSerializer(serializers.Serializer[Any]):
    """Closings of the period, by agency."""

    city = serializers.CharField()
    as_of = serializers.DateTimeField()
    period = BoardPeriodSerializer()
    agencies = ClosingRowSerializer(many=True)
