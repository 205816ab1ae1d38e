"""SQLite's own check of an R*Tree whose nodes were packed, and what it finds in it."""

import sqlite3
from collections.abc import Iterator

import pytest

from geo.layers.export.child.rtree import fill_rtree


@pytest.fixture
def base() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute("CREATE VIRTUAL TABLE tree USING rtree(id, minx, maxx, miny, maxy)")
    connection.execute("CREATE TEMP TABLE box (id INTEGER PRIMARY KEY, minx REAL, maxx REAL, miny REAL, maxy REAL)")
    yield connection
    connection.close()


def put_points(base: sqlite3.Connection, count: int) -> None:
    """Number i at (i mod 100, i div 100), a place of its own for each."""
    points = [(i, i % 100, i % 100, i // 100, i // 100) for i in range(1, count + 1)]
    base.executemany("INSERT INTO box VALUES (?, ?, ?, ?, ?)", points)


# A node holds 51: one node, two under a root, a full level of them, and three levels.
@pytest.mark.parametrize("count", [0, 1, 51, 52, 2601, 2602, 9000])
def test_a_packed_tree_is_one_that_sqlite_finds_nothing_wrong_with(base: sqlite3.Connection, count: int) -> None:
    put_points(base, count)
    fill_rtree(base, "tree", "box")
    assert base.execute("SELECT rtreecheck('main', 'tree')").fetchone() == ("ok",)
    assert base.execute("SELECT count(*) FROM tree").fetchone() == (count,)


def test_what_meets_a_window_is_found_by_it_and_nothing_else(base: sqlite3.Connection) -> None:
    put_points(base, 9000)
    fill_rtree(base, "tree", "box")
    window = "maxx >= 97.5 AND minx <= 98.5 AND maxy >= 2.5 AND miny <= 4.5"
    assert sorted(base.execute(f"SELECT id FROM tree WHERE {window}")) == [(398,), (498,)]


def test_a_packed_tree_can_be_written_to_afterwards(base: sqlite3.Connection) -> None:
    put_points(base, 2602)
    fill_rtree(base, "tree", "box")
    base.execute("DELETE FROM tree WHERE id % 2 = 0")
    base.execute("INSERT INTO tree VALUES (5000, -1, -1, -1, -1)")
    assert base.execute("SELECT rtreecheck('main', 'tree')").fetchone() == ("ok",)
    assert base.execute("SELECT count(*) FROM tree").fetchone() == (1302,)


def test_a_box_in_single_floats_has_all_of_what_it_had_in_double(base: sqlite3.Connection) -> None:
    base.execute("INSERT INTO box VALUES (1, 106.9300001, 107.0000003, -6.2500001, -6.2000003)")
    fill_rtree(base, "tree", "box")
    west, east, south, north = base.execute("SELECT minx, maxx, miny, maxy FROM tree").fetchone()
    assert west <= 106.9300001
    assert east >= 107.0000003
    assert south <= -6.2500001
    assert north >= -6.2000003
    # 2^-23 of 107, and the rounding of a float at 107 (half of 2^-17): 0.0000166.
    assert (106.9300001 - west, east - 107.0000003) < (0.00002, 0.00002)


def test_what_has_no_place_is_not_in_the_tree(base: sqlite3.Connection) -> None:
    put_points(base, 60)
    base.execute("UPDATE box SET minx = NULL, maxx = NULL, miny = NULL, maxy = NULL WHERE id IN (1, 60)")
    fill_rtree(base, "tree", "box")
    assert base.execute("SELECT rtreecheck('main', 'tree')").fetchone() == ("ok",)
    assert base.execute("SELECT min(id), max(id), count(*) FROM tree").fetchone() == (2, 59, 58)
