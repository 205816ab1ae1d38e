"""Exact intervals against published values and what can be worked by hand."""

import pytest

from geo.analysis.statistics.rate_ratio import Estimate, ratio_of_rates, ratio_to_whole, share


def test_clopper_and_pearson_agree_with_r() -> None:
    # R's manual of binom.test: Mendel's 682 of 925 (Conover 1971); it prints 0.7076683 0.7654066.
    found = share(682, 925)
    assert (found.low, found.high) == (pytest.approx(0.7076683, abs=5e-8), pytest.approx(0.7654066, abs=5e-8))


def test_none_of_ten_leaves_up_to_three_tenths() -> None:
    # 1 - 0.025 ** (1 / 10), the closed form for no success.
    assert share(0, 10) == Estimate(0.0, 0.0, pytest.approx(0.3084971, abs=1e-7))


def test_all_of_ten_is_the_mirror_of_none() -> None:
    assert share(10, 10) == Estimate(1.0, pytest.approx(0.6915029, abs=1e-7), 1.0)


def test_a_share_of_nothing_is_unknown() -> None:
    assert share(0, 0) == Estimate(None, None, None)


def test_an_area_with_its_share_of_the_reports_has_ratio_1() -> None:
    found = ratio_to_whole(25, 100, 2.5, 10.0)
    # The interval of 25 of 100 is 0.1687797 to 0.3465525 (R: binom.test(25, 100)), over the expected 0.25.
    assert found.value == 1.0
    assert (found.low, found.high) == (pytest.approx(0.6751188, abs=1e-5), pytest.approx(1.3862100, abs=1e-5))


def test_the_ratio_to_a_city_without_reports_is_unknown() -> None:
    assert ratio_to_whole(0, 0, 1.0, 4.0) == Estimate(None, None, None)


def test_twice_as_many_in_the_same_time_is_a_ratio_of_2() -> None:
    found = ratio_of_rates(20, 10)
    # 20 of 30 lies between 0.4718800 and 0.8271258 (R: binom.test(20, 30)); as odds 0.893508 and 4.784532.
    assert found.value == pytest.approx(2.0)
    assert (found.low, found.high) == (pytest.approx(0.893508, abs=1e-4), pytest.approx(4.784532, abs=1e-3))


def test_half_the_time_doubles_the_rate() -> None:
    assert ratio_of_rates(10, 10, 1.0, 2.0).value == pytest.approx(2.0)


def test_after_a_period_without_any_there_is_a_lower_end_alone() -> None:
    # 5 of 5 lies above 0.025 ** (1 / 5) = 0.4781762; as odds 0.916356.
    assert ratio_of_rates(5, 0) == Estimate(None, pytest.approx(0.916356, abs=1e-6), None)


def test_nothing_after_nothing_is_unknown() -> None:
    assert ratio_of_rates(0, 0) == Estimate(None, None, None)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="part"):
        share(3, 2)
    with pytest.raises(ValueError, match="exposure"):
        ratio_to_whole(1, 2, 0.0, 1.0)
    with pytest.raises(ValueError, match="counts"):
        ratio_of_rates(-1, 2)
