#!/usr/bin/env bash
# Runs a Python script against the embedded S3 of `cargo local`, after an export of the sample review:
#
#   embedded.sh VENV SCRIPT
#
# The script gets the endpoint, the bucket, an empty prefix and --write; credentials are in the environment, and those
# are the embedded S3's alone. Nothing outlives this.
set -euo pipefail
cd "$(dirname "$0")/../.."

venv=${1:?usage: $0 VENV SCRIPT}
script=${2:?usage: $0 VENV SCRIPT}
# What the caller has set must not stand in for what `cargo local` says.
unset AWS_ENDPOINT_URL_S3 AWS_REGION AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN S3_BUCKET_NAME
. tests/judges/local_stack.sh

cargo local demo --data "$work/data" >/dev/null
start_stack
eval "$(grep '^  export ' "$work/log")"
"$venv/bin/python" "$script" "$AWS_ENDPOINT_URL_S3" "$S3_BUCKET_NAME" "" --write
