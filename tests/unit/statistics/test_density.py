"""Kernel density: against the formula worked by hand, and what must be left unchanged."""

import numpy as np
import pytest

from geo.analysis.statistics import density
from geo.analysis.statistics.density import Grid, kernel_density, reference_bandwidth

# Centres at 0, 100, ... 1000 m in both directions.
AT_HUNDREDS = Grid(west_m=-50, south_m=-50, cell_m=100, columns=11, rows=11)


def test_one_point_gives_the_kernel_at_the_distances():
    # h = 1 km: 3 / π = 0.954930 per km² at the point; at 500 m times (1 - 0.25)² = 0.5625; at 1 km nothing.
    found = kernel_density([[0, 0]], [1], AT_HUNDREDS, bandwidth_m=1000)
    assert found.shape == (11, 11)
    assert found[0, 0] == pytest.approx(0.954930, abs=1e-6)
    assert found[0, 5] == found[5, 0] == pytest.approx(0.537148, abs=1e-6)
    # 300 m east and 400 m north.
    assert found[4, 3] == pytest.approx(0.537148, abs=1e-6)
    assert found[0, 10] == 0
    assert found[8, 8] == 0


def test_point_off_the_centre_is_measured_from_where_it_is():
    # 37 m east and 12 m south of a centre: d² = 1513 m²; 0.954930 · (1 - 0.001513)² = 0.952043.
    # From the next centre to the east 63 m and 12 m: d² = 4113; 0.954930 · 0.995887² = 0.947091.
    found = kernel_density([[37, -12]], [1], AT_HUNDREDS, bandwidth_m=1000)
    assert found[0, :2] == pytest.approx([0.952043, 0.947091], abs=1e-6)


def test_point_at_the_edge_of_its_cell_reaches_the_centres_beyond_the_next():
    # From x = 49 to the centre at 200 are 151 m, h = 160 m: 3 / (π · 0.0256) · (1 - 22801 / 25600)² = 0.445920.
    found = kernel_density([[49, 0]], [1], AT_HUNDREDS, bandwidth_m=160)
    assert found[0, 2] == pytest.approx(0.445920, abs=1e-5)
    assert found[0, 3:].max() == 0


def test_columns_run_east_and_rows_run_north():
    found = kernel_density([[900, 200]], [1], AT_HUNDREDS, bandwidth_m=150)
    assert np.unravel_index(found.argmax(), found.shape) == (2, 9)


def test_cells_of_another_size_and_shape_of_grid():
    # Centres at x = 5 and 15, y = 105, 115, 125; h = 20 m: 3 / (π · 400) · 1e6 = 2387.32 per km² at the point.
    found = kernel_density([[5, 105]], [1], Grid(0, 100, 10, 2, 3), bandwidth_m=20)
    # (1 - 100 / 400)² = 0.5625 and (1 - 200 / 400)² = 0.25.
    assert found == pytest.approx(np.array([[2387.324, 1342.870], [1342.870, 596.831], [0, 0]]), abs=1e-3)


def test_two_points_add():
    first = kernel_density([[130, 420]], [1], AT_HUNDREDS, bandwidth_m=400)
    second = kernel_density([[310, 555]], [3], AT_HUNDREDS, bandwidth_m=400)
    both = kernel_density([[130, 420], [310, 555]], [1, 3], AT_HUNDREDS, bandwidth_m=400)
    assert both == pytest.approx(first + second, abs=1e-12)
    assert both.max() > first.max()


def test_points_that_coincide_weigh_as_one_of_their_sum():
    apart = kernel_density([[130, 420], [700, 1], [130, 420]], [1, 1, 2], AT_HUNDREDS, bandwidth_m=300)
    merged = kernel_density([[130, 420], [700, 1]], [3, 1], AT_HUNDREDS, bandwidth_m=300)
    assert apart == pytest.approx(merged, abs=1e-12)


def test_point_beside_the_grid_reaches_into_it_and_one_far_away_does_not():
    # 300 m south of the first row of centres, h = 500 m: 3 / (π · 0.25) · (1 - 0.36)² = 1.564557 per km².
    found = kernel_density([[0, -300], [1e15, 0], [-700, 300]], [1, 1, 1], AT_HUNDREDS, bandwidth_m=500)
    assert found[0, 0] == pytest.approx(1.564557, abs=1e-6)
    assert found[:, 8:].max() == 0


def test_mass_on_a_fine_grid_is_the_number_of_reports():
    rng = np.random.default_rng(1)
    weights = rng.integers(1, 5, 200)
    found = kernel_density(rng.uniform(400, 1600, (200, 2)), weights, Grid(0, 0, 20, 100, 100), bandwidth_m=300)
    assert found.sum() * 20 * 20 / 1e6 == pytest.approx(weights.sum(), rel=0.001)


def test_evenly_spread_points_have_their_density_everywhere_away_from_the_edge():
    # One point every 20 m each way is 2,500 per km².
    steps = np.arange(0, 2000, 20.0)
    points = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
    found = kernel_density(points, np.ones(len(points)), Grid(800, 800, 70, 5, 5), bandwidth_m=400)
    assert found == pytest.approx(np.full((5, 5), 2500.0), rel=1e-3)


def test_chunks_change_nothing_and_progress_rises_to_one(monkeypatch):
    rng = np.random.default_rng(2)
    points, weights = rng.uniform(0, 1000, (500, 2)), rng.integers(1, 4, 500)
    whole = kernel_density(points, weights, AT_HUNDREDS, bandwidth_m=250)
    monkeypatch.setattr(density, "POINTS_AT_ONCE", 64)
    shares = []
    parts = kernel_density(points, weights, AT_HUNDREDS, bandwidth_m=250, progress=shares.append)
    assert parts == pytest.approx(whole, abs=1e-9)
    assert shares == [0.128, 0.256, 0.384, 0.512, 0.64, 0.768, 0.896, 1.0]


def test_no_points_give_a_density_of_zero():
    shares = []
    found = kernel_density(np.empty((0, 2)), [], AT_HUNDREDS, bandwidth_m=250, progress=shares.append)
    assert found.shape == (11, 11)
    assert found.max() == 0
    assert shares == [1.0]


@pytest.mark.parametrize("bandwidth_m", [0, -5, np.nan, np.inf, 70])
def test_bandwidth_too_small_for_the_cells_is_refused(bandwidth_m):
    with pytest.raises(ValueError, match="bandwidth_m"):
        kernel_density([[0, 0]], [1], AT_HUNDREDS, bandwidth_m=bandwidth_m)


@pytest.mark.parametrize(
    ("points", "weights", "name"),
    [
        ([[0, 0, 0]], [1], "points_m"),
        ([[0, 0]], [1, 1], "weights"),
        ([[0, np.nan]], [1], "points_m"),
        ([[0, 0]], [0.5], "weights"),
    ],
)
def test_bad_points_and_weights_are_refused_by_name(points, weights, name):
    with pytest.raises(ValueError, match=name):
        kernel_density(points, weights, AT_HUNDREDS, bandwidth_m=100)
    with pytest.raises(ValueError, match=name):
        reference_bandwidth(points, weights)


@pytest.mark.parametrize(("cell_m", "columns", "rows"), [(0, 1, 1), (np.nan, 1, 1), (10, 0, 1), (10, 1, 0)])
def test_grid_without_cells_is_refused(cell_m, columns, rows):
    with pytest.raises(ValueError, match="grid must"):
        Grid(0, 0, cell_m, columns, rows)


def test_bandwidth_follows_the_standard_distance_where_that_is_less():
    # All 100 m from the centre: SD 100, Dm · 1.2011 = 120; 0.9 · 100 · 4^-0.2 = 90 · 0.757858.
    assert reference_bandwidth([[100, 0], [-100, 0], [0, 100], [0, -100]], [1] * 4) == pytest.approx(68.2072, abs=1e-3)


def test_bandwidth_follows_the_median_where_outliers_stretch_the_standard_distance():
    # Dm 10: 0.9 · 12.0112 · 6^-0.2 = 10.8101 · 0.698827.
    points = [[10, 0], [-10, 0], [0, 10], [0, -10], [1000, 0], [-1000, 0]]
    assert reference_bandwidth(points, [1] * 6) == pytest.approx(7.5544, abs=1e-3)


def test_median_of_weighted_points_lies_between_two_of_them_where_the_weight_does():
    # Distances 10 10 10 10 20 20 1000 1000: Dm 15; 0.9 · 15 · 1.201122 · 8^-0.2 = 16.215153 · 0.659754.
    points = [[10, 0], [-10, 0], [0, 20], [0, -20], [1000, 0], [-1000, 0]]
    assert reference_bandwidth(points, [2, 2, 1, 1, 1, 1]) == pytest.approx(10.6980, abs=1e-3)


def test_bandwidth_of_weights_is_that_of_repeated_points():
    points = np.random.default_rng(3).normal(0, 500, (9, 2))
    weights = [1, 2, 3, 1, 1, 4, 1, 2, 1]
    repeated = np.repeat(points, weights, axis=0)
    assert reference_bandwidth(points, weights) == pytest.approx(reference_bandwidth(repeated, [1] * 16), rel=1e-12)


def test_bandwidth_takes_the_standard_distance_where_most_points_are_one():
    # SD sqrt(20000 / 5) = 63.2456; 0.9 · 63.2456 · 5^-0.2 = 56.9210 · 0.724780.
    assert reference_bandwidth([[0, 0], [100, 0], [-100, 0]], [3, 1, 1]) == pytest.approx(41.2552, abs=1e-3)


def test_points_that_all_coincide_have_no_bandwidth():
    assert reference_bandwidth([[704512.37, 9308123.21]] * 7, [1] * 7) is None
    assert reference_bandwidth([[1, 1]], [40]) is None


def test_bandwidth_of_no_points_is_refused():
    with pytest.raises(ValueError, match="points_m"):
        reference_bandwidth(np.empty((0, 2)), [])
