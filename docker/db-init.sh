#!/bin/sh
# Run once by the postgis image, as its superuser, when the database's volume is empty: the application's role, which is
# no superuser, its database, the extensions that it may not create itself, and the role of GIS programs, which cannot log in
# until an administrator gives it a password (docs/qgis-postgis.md).
set -eu
for extension in postgis unaccent pg_trgm btree_gist; do
    psql -v ON_ERROR_STOP=1 -q -U postgres -d template1 -c "CREATE EXTENSION IF NOT EXISTS $extension"
done
psql -v ON_ERROR_STOP=1 -q -U postgres -d postgres -v password="$PANTAU_DB_PASSWORD" <<'SQL'
CREATE ROLE pantau LOGIN CREATEDB PASSWORD :'password';
CREATE DATABASE pantau OWNER pantau TEMPLATE template1;
SQL
psql -v ON_ERROR_STOP=1 -q -U postgres -d template1 -f /etc/pantau/gis_role.sql
psql -v ON_ERROR_STOP=1 -q -U postgres -d pantau -f /etc/pantau/gis_role.sql -c "REVOKE TEMPORARY ON DATABASE pantau FROM PUBLIC"
