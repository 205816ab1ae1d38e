"""Benjamini-Hochberg's q, against the example of the paper of 1995."""

import numpy as np
import pytest

from geo.analysis.statistics.discovery import benjamini_hochberg

# Benjamini & Hochberg 1995, section 4.2 (thrombolysis after myocardial infarction, 15 hypotheses).
PAPER = [
    0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344,
    0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000,
]  # fmt: skip
# p · 15 / rank, and from the right never larger than the next: the sixth, 0.0695, takes the 0.063857 of the seventh.
PAPER_Q = [
    0.0015, 0.003, 0.0095, 0.035625, 0.0603, 0.0638571428571, 0.0638571428571, 0.0645,
    0.0765, 0.486, 0.5811818181818, 0.714875, 0.7532307692308, 0.8132142857143, 1.0,
]  # fmt: skip


def test_paper_rejects_the_first_four_at_five_percent():
    assert np.flatnonzero(benjamini_hochberg(PAPER) <= 0.05).tolist() == [0, 1, 2, 3]


def test_q_of_the_paper_is_that_worked_by_hand():
    assert benjamini_hochberg(PAPER) == pytest.approx(PAPER_Q, abs=1e-12)


def test_order_does_not_matter():
    assert benjamini_hochberg(PAPER[::-1]) == pytest.approx(PAPER_Q[::-1], abs=1e-12)


def test_missing_p_stays_missing_and_is_not_counted_as_a_test():
    with_gaps = np.full((6, 3), np.nan)
    with_gaps.flat[1:16] = PAPER
    q = benjamini_hochberg(with_gaps)
    assert np.isnan(q.flat[[0, 16, 17]]).all()
    assert q.flat[1:16] == pytest.approx(PAPER_Q, abs=1e-12)


def test_no_tests_at_all_give_no_q():
    assert np.isnan(benjamini_hochberg([np.nan, np.nan])).all()
    assert benjamini_hochberg([]).shape == (0,)


def test_p_outside_zero_and_one_is_refused_by_name():
    with pytest.raises(ValueError, match="p must lie"):
        benjamini_hochberg([0.5, 1.1])
