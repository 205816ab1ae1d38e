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


-- What everybody may call, and a reader of views has no business with: advisory locks (the application's own keys are no secret, and
-- whoever holds one stops its writes), large objects and messages in the log (both write), and what PostGIS tells of a column
-- without asking who may read it (its histogram, and the extent of its index: of exact places, too). PUBLIC cannot be told "all
-- but one", so it is taken from everybody and given back to whoever may make tables here, as the application does. In template1
-- nobody may: there the application is known by its name. Named by their kind, since versions differ in which of them there are.
DO $$
DECLARE
    kept CONSTANT text := '^pg_(try_)?advisory_';
    taken CONSTANT text := '^(lo_.*|loread|lowrite|pg_logical_emit_message'
        '|_postgis_(selectivity|join_selectivity|stats|index_extent)|(st|geometry)_estimated_?extent)$';
    called regprocedure;
    caller name;
BEGIN
    FOR called IN
        SELECT oid FROM pg_proc
        WHERE (proname ~ kept OR proname ~ taken) AND pg_has_role(proowner, 'USAGE')
          AND has_function_privilege('public', oid, 'EXECUTE')
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', called);
    END LOOP;
    FOR called, caller IN
        SELECT p.oid, r.rolname FROM pg_proc p, pg_roles r
        WHERE p.proname ~ kept AND pg_has_role(p.proowner, 'USAGE')
          AND (r.rolname = 'pantau' OR r.rolcanlogin AND has_schema_privilege(r.oid, 'public', 'CREATE'))
          AND r.rolname <> 'gis_reader' AND NOT has_function_privilege(r.oid, p.oid, 'EXECUTE')
    LOOP
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %I', called, caller);
    END LOOP;
    IF EXISTS (
        SELECT FROM pg_proc WHERE (proname ~ kept OR proname ~ taken) AND has_function_privilege('public', oid, 'EXECUTE')
    ) THEN
        RAISE NOTICE 'Readers of the layers may still take locks and ask PostGIS for extents of tables: only a superuser can forbid it.';
    END IF;
END $$;
