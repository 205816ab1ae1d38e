"""Topic rules of a file into the table."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from sensors.ingest.models import TopicRule


def provision_topic_rules(records: Iterable[Mapping[str, Any]]) -> int:
    """Makes the rules of a file where there are none at all; how many. Errors: ValidationError."""
    with transaction.atomic():
        if TopicRule.objects.exists():
            return 0
        rules = [TopicRule(**record) for record in records]
        for rule in rules:
            try:
                rule.full_clean()
            except ValidationError as error:
                raise ValidationError([f"{rule}: {sentence}" for sentence in error.messages]) from None
            rule.save()
        return len(rules)
