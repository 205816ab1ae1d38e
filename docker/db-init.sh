#!/bin/sh
# Run once by the postgis image, as its superuser, when the database's volume is empty: the application's role, which is
# no superuser, its database, and the extensions that it may not create itself.
set -eu
for extension in postgis unaccent pg_trgm btree_gist; do
    psql -v ON_ERROR_STOP=1 -q -U postgres -d template1 -c "CREATE EXTENSION IF NOT EXISTS $extension"
done
psql -v ON_ERROR_STOP=1 -q -U postgres -d postgres -v password="$PANTAU_DB_PASSWORD" <<'SQL'
CREATE ROLE pantau LOGIN CREATEDB PASSWORD :'password';
CREATE DATABASE pantau OWNER pantau TEMPLATE template1;
SQL
