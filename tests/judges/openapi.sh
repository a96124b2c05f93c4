#!/usr/bin/env bash
# Holds the API to infra/openapi.yaml: schemathesis calls the whole stack of `cargo local` with what the file allows,
# with what it doesn't, and without a token.
#
#   openapi.sh VENV
#
# VENV is a virtual environment with requirements-openapi.txt installed. Nothing outlives the script.
set -euo pipefail
cd "$(dirname "$0")/../.."

venv=$(realpath "${1:?usage: $0 VENV}")
spec=$PWD/infra/openapi.yaml
judge=$PWD/tests/judges/openapi.py
. tests/judges/local_stack.sh

run() {
    echo "+ $*"
    "$@"
}

run "$venv/bin/python" "$judge" examples "$spec"

start_stack
api=$(sed -n 's/^HTTP API  *//p' "$work/log")

who=(token --user fuzz --group office --group auditor --tenant acme)
echo "+ cargo local ${who[*]}"
CASEFILE_TOKEN=$(cargo local "${who[@]}")
export CASEFILE_TOKEN
run "$venv/bin/python" "$judge" prepare "$spec" "$api" tests/fixtures/review "$work"

# The same calls each time: a fixed seed, and nothing kept from earlier runs. Both runs end by themselves; the time
# limits are for a stack that hangs. In the temporary folder no settings of the caller's apply.
calls=(--url "$api" --request-timeout 30 --seed 20251114 --generation-database none
    --generation-with-security-parameters false --continue-on-failure --no-color)
schemathesis() {
    echo "+ schemathesis run $*" | sed "s/$CASEFILE_TOKEN/\$CASEFILE_TOKEN/"
    (cd "$work" && timeout 600 "$venv/bin/schemathesis" run "$@")
}

# Not among the checks:
# - positive_data_acceptance: what fits the file may still be refused, for a schema can't say that `uses` goes with
#   share links only, that `from` is before `to`, or which files can be shown inline.
# - unsupported_method, allow_header_conformance: API Gateway knows routes, not paths; another method is 404, not 405.
# - missing_required_header: no route wants one but the token's.
# - object_level_authorization: policies decide who may read what, not who created it.
# - use_after_free, ensure_resource_availability: nothing can be deleted but share links, whose token and id differ.
# 503 counts as a server error: S3 is healthy here, so none may come.
checks=not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance
checks=$checks,response_headers_conformance,negative_data_rejection,ignored_auth
schemathesis "$work/caller.json" "${calls[@]}" --header "Authorization: Bearer $CASEFILE_TOKEN" \
    --phases examples,coverage,fuzzing --max-examples 40 --checks "$checks" \
    --report har --report-har-path "$work/calls.har" --report-preserve-bytes
run "$venv/bin/python" "$judge" succeeded "$work" "$work/calls.har"

schemathesis "$work/stranger.json" "${calls[@]}" --warnings off \
    --phases examples,coverage,fuzzing --mode positive --max-examples 5 \
    --checks status_code_conformance,content_type_conformance,response_schema_conformance,response_headers_conformance
