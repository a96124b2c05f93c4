#!/usr/bin/env bash
# Runs a command while LocalStack's S3 listens on a free loopback port:
#
#   localstack.sh VENV COMMAND [ARGUMENT...]
#
# VENV is a virtual environment with requirements-localstack.txt installed. The command finds the address in
# CASEFILE_S3_CONTRACT_ENDPOINT; its exit status is this script's. CASEFILE_LOCALSTACK_SERVICES names other services than
# S3, with commas between them; functions can be created then, and are never run. Nothing outlives the script.
set -euo pipefail

if [ $# -lt 2 ]; then
    echo "usage: $0 VENV COMMAND [ARGUMENT...]" >&2
    exit 2
fi
venv=$1
shift
services=${CASEFILE_LOCALSTACK_SERVICES:-s3}
plugin=$(realpath "$(dirname "$0")/localstack_without_docker")
if [ ! -x "$venv/bin/python" ]; then
    echo "$0: no virtual environment at $venv" >&2
    exit 2
fi

work=$(mktemp -d)
server=
stop() {
    # LocalStack was started with a process group of its own, led by this process.
    if [ -n "$server" ]; then
        kill -TERM -- "-$server" 2>/dev/null || true
        for _ in $(seq 50); do
            kill -0 -- "-$server" 2>/dev/null || break
            sleep 0.1
        done
        kill -KILL -- "-$server" 2>/dev/null || true
    fi
    rm -rf "$work"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

port=$("$venv/bin/python" -c 'import socket
with socket.socket() as s:
    s.bind(("127.0.0.1", 0))
    print(s.getsockname()[1])')
endpoint=http://127.0.0.1:$port
mkdir -p "$work/home" "$work/volume" "$work/files"

set -m # the background job leads a process group
env PATH="$venv/bin:$PATH" HOME="$work/home" LOCALSTACK_VOLUME_DIR="$work/volume" FILESYSTEM_ROOT="$work/files" \
    PYTHONPATH="$plugin" PYTHONDONTWRITEBYTECODE=1 LAMBDA_RUNTIME_EXECUTOR=none \
    SERVICES="$services" EAGER_SERVICE_LOADING=1 GATEWAY_LISTEN="127.0.0.1:$port" LOCALSTACK_HOST="localhost:$port" \
    S3_SKIP_SIGNATURE_VALIDATION=0 DISABLE_EVENTS=1 SKIP_SSL_CERT_DOWNLOAD=1 USE_SSL=0 DNS_ADDRESS=0 \
    "$venv/bin/python" -m localstack.runtime.main >"$work/log" 2>&1 </dev/null &
server=$!
set +m

ready() {
    "$venv/bin/python" - "$endpoint/_localstack/health" "$services" <<'PYTHON' 2>/dev/null
import json, sys, urllib.request
with urllib.request.urlopen(sys.argv[1], timeout=2) as answer:
    states = json.load(answer)["services"]
sys.exit(any(states.get(one) not in ("available", "running") for one in sys.argv[2].split(",")))
PYTHON
}
for attempt in $(seq 120); do
    ready && break
    if ! kill -0 "$server" 2>/dev/null || [ "$attempt" = 120 ]; then
        echo "$0: LocalStack did not start:" >&2
        tail -n 40 "$work/log" >&2
        exit 1
    fi
    sleep 0.5
done

CASEFILE_S3_CONTRACT_ENDPOINT=$endpoint "$@"
