#!/usr/bin/env bash
# Reads the sample tables as analysts do, as the README shows it: `casefile tables` brings them from the embedded S3 of
# `cargo local`, and pandas, DuckDB and polars read them.
#
#   tables.sh VENV
#
# VENV is a virtual environment with requirements-tables.txt installed. Nothing outlives the script.
set -euo pipefail
cd "$(dirname "$0")/../.."

venv=$(realpath "${1:?usage: $0 VENV}")
samples=tests/fixtures/clinical
# What the caller has set must not stand in for what `cargo local` says.
unset AWS_ENDPOINT_URL AWS_ENDPOINT_URL_S3 AWS_REGION AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN
unset S3_BUCKET_NAME CASEFILE_TABLES_DIR XDG_CACHE_HOME
. tests/judges/local_stack.sh

cargo build --quiet --locked --bin casefile
PATH=$(realpath "${CARGO_TARGET_DIR:-target}")/debug:$PATH
start_stack
eval "$(grep '^  export ' "$work/log")"
export CASEFILE_TABLES_DIR=$work/tables
"$venv/bin/python" tests/judges/tables.py prepare "$samples"

run() {
    echo "+ $*"
    "$@"
}

# The README's own lines, by the shell.
run casefile tables list
run casefile tables sync --to "$work/registry"
run "$venv/bin/python" -c "import pandas; print(pandas.read_parquet('$(casefile tables get demographics_maindata)'))"
run "$venv/bin/python" -c "import duckdb; duckdb.sql(\"SELECT disease, count(*) FROM \
'$(casefile tables get demographics_maindata)' GROUP BY ALL ORDER BY ALL\").show()"
run "$venv/bin/python" -c "import polars; print(polars.scan_parquet('$(casefile tables get encounter_maindata)').collect())"

"$venv/bin/python" tests/judges/tables.py check "$samples" "$work/registry"
