"""Emerging hotspots: each class by its definition, and no area in two of them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from geo.analysis.statistics.emerging import EmergingClass, TooFewSlices, emerging_class
from geo.analysis.statistics.trends import mann_kendall

LEVEL = [3, 4, 3, 4, 3, 4, 3, 4, 3, 4]
RISING = [2, 3, 4, 5, 6, 7, 8, 9, 10, 11]
FALLING = RISING[::-1]

# Marks of ten slices, oldest first: + hot, - cold, . neither.
HOT = [
    ("new", ".........+", LEVEL),
    ("new", ".........+", RISING),
    ("consecutive", "........++", LEVEL),
    ("consecutive", "..++++++++", RISING),
    ("intensifying", "++++++++++", RISING),
    ("intensifying", "++++.+++++", RISING),
    ("persistent", "++++++++++", LEVEL),
    ("persistent", ".+++++++++", LEVEL),
    ("persistent", "-+++++++++", LEVEL),
    ("diminishing", "++++++++++", FALLING),
    ("diminishing", "+.++++++++", FALLING),
    ("sporadic", "+........+", LEVEL),
    ("sporadic", "++++++..++", RISING),
    ("oscillating", "-........+", LEVEL),
    ("oscillating", "---.++++++", RISING),
    ("oscillating", "---------+", RISING),
    ("historical", "+++++++++.", LEVEL),
    ("historical", "+++++++++.", FALLING),
]


def marks_of(text):
    return np.array([{"+": 1, "-": -1, ".": 0}[mark] for mark in text])


def class_of(marks, z):
    return emerging_class(np.array([z], dtype=float), np.array([marks])).classes[0]


@pytest.mark.parametrize(("kind", "text", "z"), HOT)
def test_hot_area_has_the_class_of_its_definition(kind, text, z):
    assert class_of(marks_of(text), z) == f"{kind}_hot"


@pytest.mark.parametrize(("kind", "text", "z"), HOT)
def test_cold_area_is_the_mirror_image(kind, text, z):
    assert class_of(-marks_of(text), [-score for score in z]) == f"{kind}_cold"


@pytest.mark.parametrize("text", ["..........", "++++++++..", "-+-+-+-+..", "+........."])
def test_anything_else_has_no_class(text):
    assert class_of(marks_of(text), LEVEL) == EmergingClass.NONE


def test_share_is_of_the_slices_that_have_a_value():
    # Hot in nine of the ten slices that were measured, though of twelve in all.
    z = [np.nan, np.nan, *LEVEL]
    assert class_of([0, 0, 0, *[1] * 9], z) == EmergingClass.PERSISTENT_HOT
    assert class_of([0, 0, 0, 0, *[1] * 8], z) == EmergingClass.CONSECUTIVE_HOT


def test_area_with_too_few_values_has_no_class():
    z = [*[np.nan] * 6, 3, 4, 3, 4]
    assert class_of([0] * 9 + [1], z) == EmergingClass.NONE


def test_area_without_a_value_in_the_last_slice_is_neither_hot_nor_cold_there():
    assert class_of([*[1] * 10, 0], [*LEVEL, np.nan]) == EmergingClass.HISTORICAL_HOT


def test_each_area_is_classed_by_itself_with_its_counts_and_trend():
    found = emerging_class([RISING, LEVEL], [marks_of("++++++++++"), marks_of("-........+")])
    assert found.classes == (EmergingClass.INTENSIFYING_HOT, EmergingClass.OSCILLATING_HOT)
    assert found.hot_slices.tolist() == [10, 1]
    assert found.cold_slices.tolist() == [0, 1]
    assert found.trend.s.tolist() == [45, 5]


def definitions(marks, trend):
    """Every definition of the docstring, asked one by one; `trend` is -1, 0 or 1."""
    yield "none", marks[-1] == 0 and not any(np.mean(marks == side) >= 0.9 for side in (1, -1))
    for side, word in ((1, "hot"), (-1, "cold")):
        here, mostly = marks == side, np.mean(marks == side) >= 0.9
        other, last = np.any(marks == -side), marks[-1] == side
        changes = np.count_nonzero(np.diff(here))
        yield f"intensifying_{word}", last and mostly and trend == side
        yield f"diminishing_{word}", last and mostly and trend == -side
        yield f"persistent_{word}", last and mostly and trend == 0
        yield f"oscillating_{word}", last and not mostly and other
        yield f"new_{word}", last and not mostly and not other and here.sum() == 1
        yield f"consecutive_{word}", last and not mostly and not other and here.sum() > 1 and changes == 1
        yield f"sporadic_{word}", last and not mostly and not other and changes > 1 and here.sum() > 1
        yield f"historical_{word}", marks[-1] == 0 and mostly


@st.composite
def areas(draw):
    slices = draw(st.integers(5, 14))
    # Often nearly always the same mark, else the classes that ask for 90 % would hardly be met.
    usual = draw(st.sampled_from([1, -1, 0]))
    marks = draw(arrays(np.int64, slices, elements=st.sampled_from([usual, usual, usual, usual, 1, -1, 0])))
    z = draw(arrays(np.int64, slices, elements=st.integers(-4, 4))) + draw(st.sampled_from([-2, 0, 2])) * np.arange(
        slices
    )
    return marks, z.astype(float)


@settings(max_examples=400, deadline=None, derandomize=True)
@given(areas())
def test_every_area_falls_into_exactly_one_class_the_one_that_holds(area):
    marks, z = area
    trend = mann_kendall(z[None])
    direction = np.sign(trend.s[0]) if trend.p[0] < 0.05 else 0
    holding = [name for name, holds in definitions(marks, direction) if holds]
    assert holding == [class_of(marks, z)]


def test_fewer_than_five_slices_are_refused():
    with pytest.raises(TooFewSlices, match="at least 5 slices"):
        emerging_class([[1, 2, 3, 4]], [[0, 0, 0, 1]])


@pytest.mark.parametrize(
    ("z", "marks", "name"),
    [
        ([LEVEL], [[0] * 9], "z and significance"),
        ([LEVEL], [[2] * 10], "significance must be 1"),
        ([[np.nan, *LEVEL[1:]]], [[1] * 10], "significance must be 0"),
    ],
)
def test_marks_that_do_not_fit_are_refused(z, marks, name):
    with pytest.raises(ValueError, match=name):
        emerging_class(z, marks)
