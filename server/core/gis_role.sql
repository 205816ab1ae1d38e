-- The read-only role of GIS programs (docs/qgis-postgis.md). Run in Pantau's database as a superuser; a second run changes nothing.
-- Roles belong to the cluster, so two databases may come to this at once: whoever is second leaves what the first has made, and
-- what an administrator has changed since.
DO $$ BEGIN
    CREATE ROLE gis_reader NOLOGIN CONNECTION LIMIT 30;
    -- Defaults that a session may change: the privileges, not these, are what keeps it from writing.
    ALTER ROLE gis_reader SET default_transaction_read_only = on;
    ALTER ROLE gis_reader SET statement_timeout = '60s';
    -- A program that leaves a transaction open would hold up the next migration.
    ALTER ROLE gis_reader SET idle_in_transaction_session_timeout = '5min';
    ALTER ROLE gis_reader SET search_path = layers, public;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;
END $$;

-- The views are security barriers: only conditions that cannot tell of a hidden row reach the tables and their indexes. Whether
-- two boxes overlap cannot (it raises no error that depends on them), but only a superuser may say so. Without this a map
-- window reads every row.
DO $$ BEGIN
    ALTER FUNCTION geometry_overlaps(geometry, geometry) LEAKPROOF;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE NOTICE 'Views of layers will not use spatial indexes: only a superuser can mark geometry_overlaps as leakproof.';
END $$;
