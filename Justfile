# Everything a developer does here. `just` alone lists it; each recipe takes `--help`.
# Works as `just …` and as `uv run just …`, from a folder of any name.

set positional-arguments

uv := quote(env('UV', 'uv'))
local := uv + ' run python -m deploy.local'

[private]
default:
    @just --list --unsorted

# Install what the project needs into .venv
[group('start here'), no-exit-message]
setup *options:
    @{{ uv }} sync "$@"

# Play a season live and check every euro (--seed N, --demands N, --keep …)
[group('start here'), no-exit-message]
demo *options:
    @{{ uv }} run python -m deploy.local.demo "$@"

# Run all tests, on real Kafkas and PostgreSQLs, three at once (options go to pytest; -n 0: one at a time)
[group('start here'), no-exit-message]
test *options:
    @{{ uv }} run pytest -n 3 --dist loadfile --no-loadscope-reorder "$@"

# Start Kafka, PostgreSQL and the services; return when all are ready (--insecure-demo: FHIR doors without TLS)
[group('stack'), no-exit-message]
up *options:
    @{{ local }} up "$@"

# Stop the services, then Kafka and PostgreSQL; the data stays
[group('stack'), no-exit-message]
down *options:
    @{{ local }} down "$@"

# Show each component: process, port, health
[group('stack'), no-exit-message]
status *options:
    @{{ local }} status "$@"

# Print the last log lines of all or one: logs [COMPONENT] [--follow]
[group('stack'), no-exit-message]
logs *options:
    @{{ local }} logs "$@"

# Stop everything and delete the data (asks first; --yes does not)
[group('stack'), no-exit-message]
reset *options:
    @{{ local }} reset "$@"

# Keep what all services hold in a folder, checked: backup [FOLDER] [--check FOLDER] [--yes]
[group('stack'), no-exit-message]
backup *options:
    @{{ local }} backup "$@"

# Give all services, or some, back what a backup holds: restore FOLDER [SERVICE…] [--yes]
[group('stack'), no-exit-message]
restore *options:
    @{{ local }} restore "$@"

# Make certificates, a revocation list and doors.toml to try the FHIR doors: certs [FOLDER] [--revoke NAME]
[group('stack'), no-exit-message]
certs *options:
    @{{ uv }} run python -m deploy.local.certs "$@"

# Run the platform in containers, as `docker compose` does: compose up --wait, compose down …
[group('containers'), no-exit-message]
compose *options:
    @{{ uv }} run python -m deploy.compose "$@"

# Play the season of `just demo` on the platform in containers
[group('containers'), no-exit-message]
compose-demo *options:
    @{{ uv }} run python -m deploy.compose.demo "$@"

# Open a service's database under its own role: psql SERVICE [options of psql]
[group('look inside'), no-exit-message]
psql *options:
    @{{ local }} psql "$@"

# List the topics with their partitions and records
[group('look inside'), no-exit-message]
topics *options:
    @{{ local }} topics "$@"

# Show how far each service is behind the log
[group('look inside'), no-exit-message]
lag *options:
    @{{ local }} lag "$@"

# Follow one referral to its euro, with the time in each step: trace REFERRAL_ID
[group('look inside'), no-exit-message]
trace *options:
    @{{ local }} trace "$@"

# Show the messages that were put aside: dead-letters [SERVICE]
[group('look inside'), no-exit-message]
dead-letters *options:
    @{{ local }} dead-letters "$@"

# Give a message that was put aside to its service again: replay SERVICE ID
[group('look inside'), no-exit-message]
replay *options:
    @{{ local }} replay "$@"

# Build services anew from the log beside the live ones and compare every row: rebuild [SERVICE]
[group('look inside'), no-exit-message]
rebuild *options:
    @{{ local }} rebuild "$@"

# Send files of the SAS platform to referrals: ingest FILE…
[group('look inside'), no-exit-message]
ingest *options:
    @{{ local }} ingest "$@"

# Import contract lines, values and the bank's answers, settle years, write statements and exports
[group('the caisse at work'), no-exit-message]
aci *options:
    @{{ uv }} run python -m deploy.local.aci "$@"

# Import extracts of the national directory, Annuaire Santé and FINESS: directory import FILE…, directory participants …
[group('the caisse at work'), no-exit-message]
directory *options:
    @{{ uv }} run python -m deploy.local.directory "$@"

# Run the tests that need neither Kafka nor PostgreSQL
[group('change things')]
test-fast *options:
    @{{ uv }} run pytest -m "not stack" "$@"

# Measure the platform beside bare baselines, on an idle machine: bench [ID…] [--runs N] [--quick]; bench fuzz --count N
[group('change things'), no-exit-message]
bench *options:
    @{{ uv }} run python -m tests.benchmarks "$@"

# Strike the services with faults and hold what comes of it against the oracle: faults [--count N] [--seed S] [--events M] [--without GUARD]; faults report FILE…
[group('change things'), no-exit-message]
faults *options:
    @{{ uv }} run python -m tests.faults "$@"

# Change the code in small ways and list what no test notices: mutants [AREA…] [--sample N] [--seed N]
[group('change things'), no-exit-message]
mutants *options:
    @{{ uv }} run --group mutation python -m tests.mutation "$@"

# Check style, format, types, imports and contracts, or some: check [CHECK…]
[group('change things'), no-exit-message]
check *options:
    @{{ uv }} run python -m deploy.local.checks "$@"

# Generate the schemas and the AsyncAPI document again
[group('change things')]
contracts *options:
    @{{ uv }} run python -m contracts.generate "$@"

# Resolve the jars of Kafka and Zipkin with Maven Central and write their locks again
[group('change things')]
lock-jars *options:
    @{{ uv }} run python -m deploy.local.jars "$@"
