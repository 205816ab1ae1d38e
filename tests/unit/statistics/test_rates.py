"""Empirical-Bayes rates: esda's docstring, esda itself, and what esda leaves open."""

import libpysal
import numpy as np
import pytest
from esda.smoothing import Empirical_Bayes

from geo.analysis.statistics.rates import empirical_bayes


def columns(file, *names):
    table = libpysal.io.open(libpysal.examples.get_path(file))
    try:
        return [np.array(table.by_col(name), dtype=float) for name in names]
    finally:
        table.close()


def test_st_louis_homicides_are_those_of_esdas_docstring():
    # esda 2.9, docstring of smoothing.Empirical_Bayes: columns 11 and 14 of stl_hom.csv, to nine digits.
    homicides, people = columns("stl_hom.csv", "HC7984", "PO7984")
    published = [
        2.36718950e-05, 4.54539167e-05, 4.78114019e-05, 2.76907146e-05, 6.58989323e-05,
        3.66494122e-05, 5.79952721e-05, 2.03064590e-05, 3.31152999e-05, 3.02748380e-05,
    ]  # fmt: skip
    assert empirical_bayes(homicides, people)[:10] == pytest.approx(published, rel=5e-9)


@pytest.mark.parametrize(
    ("file", "counts", "people"),
    [
        ("stl_hom.csv", "HC8893", "PO8893"),
        ("sids2.dbf", "SID74", "BIR74"),
        ("sids2.dbf", "SID79", "BIR79"),
    ],
)
def test_rates_are_esdas(file, counts, people):
    counted, populations = columns(file, counts, people)
    assert empirical_bayes(counted, populations) == pytest.approx(
        Empirical_Bayes(counted, populations).r.ravel(), rel=1e-9
    )


def test_areas_without_known_people_have_no_rate_and_no_part_in_the_common_one():
    counted, populations = columns("sids2.dbf", "SID74", "BIR74")
    whole = empirical_bayes(counted, populations)
    with_more = empirical_bayes(np.append(counted, [7, 900, np.nan]), np.append(populations, [0, np.nan, 5000]))
    assert np.isnan(with_more[-3:]).all()
    assert with_more[:-3] == pytest.approx(whole, rel=1e-12)


def test_areas_that_differ_no_more_than_by_chance_all_get_the_common_rate():
    # Rates 0.011 and 0.009 about 0.010: spread 1e-6, less than the 0.01 / 1000 = 1e-5 that chance gives.
    assert empirical_bayes([11, 9], [1000, 1000]) == pytest.approx([0.01, 0.01])


def test_small_area_is_drawn_further_to_the_common_rate_than_a_large_one():
    # By hand: people 1000, 1000, 100; counts 90, 10, 9. Common 109 / 2100 = 0.0519048.
    # Spread (1000·0.0380952² + 1000·0.0419048² + 100·0.0380952²) / 2100 = 0.00159637; less 0.0519048 / 700 = 0.00152222.
    # Trust 0.00152222 / (0.00152222 + 0.0000519048) = 0.967026 and 0.00152222 / (0.00152222 + 0.000519048) = 0.745722.
    smoothed = empirical_bayes([90, 10, 9], [1000, 1000, 100])
    assert smoothed == pytest.approx([0.0887437, 0.0113817, 0.0803132], abs=2e-7)


def test_no_reports_anywhere_is_a_rate_of_zero():
    assert empirical_bayes([0, 0, 0], [10, 20, 30]).tolist() == [0, 0, 0]


def test_one_area_keeps_its_own_rate():
    assert empirical_bayes([5], [1000]) == pytest.approx([0.005])


def test_no_area_has_people():
    assert np.isnan(empirical_bayes([3, 4], [0, np.nan])).all()


@pytest.mark.parametrize(("counts", "people"), [([1, 2], [3]), ([-1, 2], [5, 5]), ([1, 2], [-5, 5])])
def test_bad_counts_and_populations_are_refused_by_name(counts, people):
    with pytest.raises(ValueError, match="counts and populations"):
        empirical_bayes(counts, people)
