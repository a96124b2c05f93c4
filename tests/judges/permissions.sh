#!/usr/bin/env bash
# Runs each function's whole work against moto, which enforces IAM, under its own role as template.yaml has it; then what
# each role must not do, and each function without one of its permissions:
#
#   permissions.sh VENV
#
# VENV is a virtual environment with requirements-permissions.txt installed. Nothing outlives the script.
set -euo pipefail
cd "$(dirname "$0")/../.."

venv=$(realpath "${1:?usage: $0 VENV}")
# What the caller has set must not stand in for moto.
unset AWS_ENDPOINT_URL AWS_PROFILE AWS_REGION AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN
export PYTHONDONTWRITEBYTECODE=1

# By name, as `cargo local` builds them: so the features are the whole workspace's, and nothing is built twice.
cargo build --quiet --locked --bin post-process --bin session-export --bin signed-download
exec "$venv/bin/python" tests/judges/deployment/permissions.py
