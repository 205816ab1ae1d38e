"""What the service claims of OGC 18-088 is what this suite tests."""

import importlib
from pathlib import Path

import pytest

from tests.sensorthings.contract import BASE, MET, Service, meets

pytestmark = pytest.mark.django_db

# Clause 2 and annex A: the requirements and their classes, by their paths after req/.
STANDARD = """
datamodel
datamodel/thing/properties datamodel/thing/relations
datamodel/location/properties datamodel/location/relations
datamodel/historical-location/properties datamodel/historical-location/relations
datamodel/datastream/properties datamodel/datastream/relations
datamodel/sensor/properties datamodel/sensor/relations
datamodel/observed-property/properties datamodel/observed-property/relations
datamodel/observation/properties datamodel/observation/relations
datamodel/feature-of-interest/properties datamodel/feature-of-interest/relations
datamodel/entity-control-information/common-control-information
resource-path resource-path/resource-path-to-entities
request-data request-data/order request-data/expand request-data/select request-data/status-code
request-data/query-status-code request-data/orderby request-data/top request-data/skip request-data/count
request-data/filter request-data/built-in-filter-operations request-data/built-in-query-functions
request-data/pagination
create-update-delete create-update-delete/create-entity create-update-delete/link-to-existing-entities
create-update-delete/deep-insert create-update-delete/deep-insert-status-code create-update-delete/update-entity
create-update-delete/update-entity-put create-update-delete/update-entity-jsonpatch
create-update-delete/delete-entity create-update-delete/historical-location-auto-creation
create-update-delete/historical-location-manual-creation
batch-request batch-request/batch-request
multi-datastream multi-datastream/properties multi-datastream/relations multi-datastream/constraints
data-array data-array/data-array
create-observations-via-mqtt create-observations-via-mqtt/observations-creation
receive-updates-via-mqtt receive-updates-via-mqtt/receive-updates
"""


def claims(service: Service) -> list[str]:
    return [str(claim) for claim in service.get("")["serverSettings"]["conformance"]]


@meets("resource-path/resource-path-to-entities")
def test_the_root_says_what_the_service_conforms_to_in_the_standards_own_names(service: Service) -> None:
    """9.2.1: `serverSettings` with `conformance`, URIs of requirements."""
    claimed = claims(service)
    assert len(claimed) == len(set(claimed))
    assert [claim for claim in claimed if not claim.startswith(BASE)] == []
    assert {claim.removeprefix(BASE) for claim in claimed} <= set(STANDARD.split())


def test_each_requirement_that_is_claimed_is_tested_and_each_that_is_tested_is_claimed(service: Service) -> None:
    for module in sorted(Path(__file__).parent.glob("test_contract_*.py")):
        importlib.import_module(f"{__package__}.{module.stem}")
    assert sorted(claims(service)) == sorted(BASE + requirement for requirement in MET)
