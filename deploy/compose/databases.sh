#!/bin/sh
# One database and one role for each service named, closed to every other role; what is there stays, and
# each role gets the password that its secret holds. Reaches the server by PGHOST and PGUSER.
set -eu

secrets=${SECRETS:-/run/secrets}
PGPASSWORD=$(cat "$secrets/postgres")
export PGPASSWORD

for service in "$@"; do
  SECRET=$secrets/$service psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --set service="$service" postgres <<'SQL'
\set password `cat "$SECRET"`
select format('create role %I', :'service')
where not exists (select from pg_roles where rolname = :'service') \gexec
alter role :"service"
  with login nosuperuser nocreatedb nocreaterole noreplication password :'password';
select format('create database %I owner %I', :'service', :'service')
where not exists (select from pg_database where datname = :'service') \gexec
revoke all on database :"service", postgres, template1 from public;
SQL
  echo "$service: its database and its role are there"
done
