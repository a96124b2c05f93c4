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
work=$(mktemp -d)
stack=
stop() {
    if [ -n "$stack" ]; then
        kill -INT -- "-$stack" 2>/dev/null || true
        for _ in $(seq 50); do
            kill -0 -- "-$stack" 2>/dev/null || break
            sleep 0.1
        done
        kill -KILL -- "-$stack" 2>/dev/null || true
    fi
    rm -rf "$work"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

cargo local demo --data "$work/data" >/dev/null
set -m # the background job leads a process group
cargo local --port 0 --s3-port 0 --data "$work/data" >"$work/log" 2>&1 </dev/null &
stack=$!
set +m
for attempt in $(seq 600); do
    grep -q "Ctrl-C stops" "$work/log" && break
    if [ "$attempt" = 600 ] || ! kill -0 "$stack" 2>/dev/null; then
        echo "$0: cargo local did not start:" >&2
        cat "$work/log" >&2
        exit 1
    fi
    sleep 0.5
done
eval "$(grep '^  export ' "$work/log")"
"$venv/bin/python" "$script" "$AWS_ENDPOINT_URL_S3" "$S3_BUCKET_NAME" "" --write
