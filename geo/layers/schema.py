"""The schema `layers` in the database: the views made as the catalogue declares them, and shown to the role `gis_reader`.

Of the built-in layers only. A saved analysis is no view: it comes and goes between migrations, and whoever reads the database
itself has no session by which to know what they may see. Its results are in the view of its layer while they are kept.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import ProgrammingError, connection, transaction
from psycopg2 import sql
from psycopg2.errorcodes import INVALID_TABLE_DEFINITION

from geo.layers.catalogue import LAYERS
from geo.layers.views import View, view_of

SCHEMA = "layers"
ROLE = "gis_reader"
ROLE_FILE = Path("server/core/gis_role.sql")
ABOUT = "The layers of Pantau, read-only. Written by refresh_layer_views; what is changed here is lost. "

OWN_VIEWS = """
SELECT c.relname FROM pg_class c WHERE c.relnamespace = to_regnamespace(%s) AND c.relkind = 'v'
   AND pg_get_userbyid(c.relowner) = current_user"""
# One row: a digest of the views as they stand; somebody may have changed one.
STANDING = """
SELECT md5(string_agg(c.relname || pg_get_viewdef(c.oid) || coalesce(obj_description(c.oid, 'pg_class'), ''), '' ORDER BY c.relname))
FROM pg_class c WHERE c.relnamespace = to_regnamespace(%s) AND c.relname = ANY(%s)"""
# One row: whether the role reads every one of the views.
ACCESS = """
SELECT bool_and(has_table_privilege(r.oid, c.oid, 'SELECT') AND has_schema_privilege(r.oid, c.relnamespace, 'USAGE'))
FROM pg_class c, pg_roles r
WHERE r.rolname = %(role)s AND c.relnamespace = to_regnamespace(%(schema)s) AND c.relname = ANY(%(names)s)"""
# One row: whether the schema is there, whether it is ours, and whether we could make it.
STANDS = """
SELECT n.oid IS NOT NULL, coalesce(pg_has_role(n.nspowner, 'USAGE'), false), has_database_privilege(current_database(), 'CREATE')
FROM (SELECT to_regnamespace(%s)::oid) s(oid) LEFT JOIN pg_namespace n ON n.oid = s.oid"""


@dataclass(frozen=True, slots=True)
class Refreshed:
    """`has_role` is False where there is no gis_reader and we may not make one: the views are there all the same.
    `has_schema` is False where we may not make the schema: then there are no views."""

    names: Sequence[str]
    is_changed: bool
    has_role: bool
    has_schema: bool = True

    @property
    def advice(self) -> str:
        """What an administrator has to do; empty where there is nothing."""
        if not self.has_schema:
            return (
                f"The layers are not shown as views: the schema {SCHEMA} is not this user's, and may not be made. Let a superuser"
                f" run CREATE SCHEMA {SCHEMA} AUTHORIZATION …, then: ./pantau manage refresh_layer_views"
            )
        if not self.has_role:
            return (
                f"The views of schema {SCHEMA} are there, but no role {ROLE} reads them, and this user may not create roles."
                f" Let a superuser run {ROLE_FILE} in this database (psql -f), then: ./pantau manage refresh_layer_views"
            )
        return ""


def refresh_views(role: str = ROLE) -> Refreshed:
    """Make the views as they are declared, all of them or none; nothing is touched (or locked) where they are so already."""
    with transaction.atomic(), connection.cursor() as cursor:
        # Two migrations at once would trip over each other's catalogue rows.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('geo.layers.views'))")
        if not _ensure_schema(cursor):
            return Refreshed([], is_changed=False, has_role=False, has_schema=False)
        views = [view_of(layer) for layer in LAYERS]
        names = [view.name for view in views]
        declared = hashlib.sha256("".join(view.fingerprint for view in views).encode()).hexdigest()[:32]
        has_role = _ensure_role(cursor, role)
        if _is_current(cursor, declared, names, role if has_role else None):
            return Refreshed(names, is_changed=False, has_role=has_role)
        for name in _own_views(cursor) - set(names):
            _drop(cursor, name)
        for view in views:
            _make(cursor, view)
        if has_role:
            _grant(cursor, names, role)
        about = _about(cursor, declared, names)
        cursor.execute(sql.SQL("COMMENT ON SCHEMA {} IS %s").format(sql.Identifier(SCHEMA)), [about])
    return Refreshed(names, is_changed=True, has_role=has_role)


def drop_views() -> None:
    """Before a migration: a column that a view shows can neither be dropped nor change its type."""
    with transaction.atomic(), connection.cursor() as cursor:
        for name in _own_views(cursor):
            _drop(cursor, name)


def _about(cursor: Any, declared: str, names: Sequence[str]) -> str:
    """The comment on the schema: it ends with what the views were made from, and with how they stood then."""
    cursor.execute(STANDING, [SCHEMA, list(names)])
    return f"{ABOUT}({declared} {cursor.fetchone()[0]})"


def _is_current(cursor: Any, declared: str, names: Sequence[str], role: str | None) -> bool:
    cursor.execute("SELECT obj_description(to_regnamespace(%s), 'pg_namespace')", [SCHEMA])
    if cursor.fetchone()[0] != _about(cursor, declared, names) or _own_views(cursor) != set(names):
        return False
    if role is None:
        return True
    cursor.execute(ACCESS, {"role": role, "schema": SCHEMA, "names": list(names)})
    return bool(cursor.fetchone()[0])


def _own_views(cursor: Any) -> set[str]:
    """The application's own views of the schema: those that somebody else has put there are not ours to drop."""
    cursor.execute(OWN_VIEWS, [SCHEMA])
    return {name for (name,) in cursor.fetchall()}


def _make(cursor: Any, view: View) -> None:
    name = sql.Identifier(SCHEMA, view.name)
    create = sql.SQL("CREATE OR REPLACE VIEW {} WITH (security_barrier = true) AS {}").format(name, sql.SQL(view.query))
    try:
        # Replaced in its place, a view that a program has open stays the same table to it.
        with transaction.atomic():
            cursor.execute(create)
    except ProgrammingError as error:
        if getattr(error.__cause__, "pgcode", None) != INVALID_TABLE_DEFINITION:
            raise
        _drop(cursor, view.name)  # other columns: it cannot be the same table
        cursor.execute(create)
    cursor.execute(sql.SQL("COMMENT ON VIEW {} IS %s").format(name), [view.comment])
    for column, comment in view.columns.items():
        cursor.execute(
            sql.SQL("COMMENT ON COLUMN {} IS %s").format(sql.Identifier(SCHEMA, view.name, column)), [comment]
        )


def _drop(cursor: Any, name: str) -> None:
    # Without CASCADE: what an administrator has built on a view is not removed without a word.
    cursor.execute(sql.SQL("DROP VIEW {}").format(sql.Identifier(SCHEMA, name)))


def _grant(cursor: Any, names: Sequence[str], role: str) -> None:
    cursor.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(sql.Identifier(SCHEMA), sql.Identifier(role)))
    views = sql.SQL(", ").join(sql.Identifier(SCHEMA, name) for name in names)
    cursor.execute(sql.SQL("GRANT SELECT ON {} TO {}").format(views, sql.Identifier(role)))


def _ensure_schema(cursor: Any) -> bool:
    """Whether the schema is there and ours; made if it is missing and we may."""
    cursor.execute(STANDS, [SCHEMA])
    is_there, is_ours, may_make = cursor.fetchone()
    # Not by IF NOT EXISTS, which asks for the right to create even where it creates nothing.
    if not is_there and may_make:
        cursor.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(SCHEMA)))
    return bool(is_ours if is_there else may_make)


def _ensure_role(cursor: Any, role: str) -> bool:
    """Whether the role is there; made if it is not and we may."""
    cursor.execute("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = %s)", [role])
    if cursor.fetchone()[0]:
        return True
    cursor.execute("SELECT rolcreaterole OR rolsuper FROM pg_roles WHERE rolname = current_user")
    if role != ROLE or not cursor.fetchone()[0]:
        return False
    cursor.execute((Path(settings.BASE_DIR) / ROLE_FILE).read_text())
    return True
