"""Units of UCUM. Factors are exact by definition (UCUM, tables 1 to 5)."""

import pytest

from sensors.ingest.decoders.said import Unreadable
from sensors.ingest.reasons import Reason
from sensors.ingest.units import Conversion, conversion


@pytest.mark.parametrize(
    ("sent", "kept", "factor", "offset"),
    [
        ("Cel", "Cel", 1.0, 0.0),
        ("K", "Cel", 1.0, -273.15),
        ("m", "cm", 100.0, 0.0),
        ("mbar", "hPa", 1.0, 0.0),
        ("km/h", "m/s", 0.277777777777778, 0.0),
        ("mg/m3", "ug/m3", 1000.0, 0.0),
        ("[ft_i]", "cm", 30.48, 0.0),
        ("1", "%", 100.0, 0.0),
        ("{count}", "1", 1.0, 0.0),
        ("ug{PM2.5}/m3", "ug/m3", 1.0, 0.0),
    ],
)
def test_value_becomes_the_same_quantity_in_the_other_unit(sent: str, kept: str, factor: float, offset: float) -> None:
    assert conversion(sent, kept) == Conversion(factor, offset)


def test_boiling_water_in_fahrenheit_is_a_hundred_degrees() -> None:
    # The library takes its offset from a rounded figure.
    assert conversion("[degF]", "Cel").of(212.0) == pytest.approx(100.0, abs=1e-9)


def test_logarithmic_unit_is_taken_as_itself_alone() -> None:
    assert conversion("dB", "dB") == Conversion(1.0, 0.0)
    with pytest.raises(Unreadable, match="by a factor"):
        conversion("dB", "1")


@pytest.mark.parametrize("sent", ["", "foo", "m" * 41, "Cel Cel", "mm/h", "m\0", "\ud800", "[pH]"])
def test_unit_that_is_none_or_of_another_kind_is_refused(sent: str) -> None:
    with pytest.raises(Unreadable) as refused:
        conversion(sent, "mm")
    assert refused.value.reason is Reason.BAD_UNIT
