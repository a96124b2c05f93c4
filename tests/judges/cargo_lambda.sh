#!/usr/bin/env bash
# Invokes the functions as a developer does: `cargo lambda watch` runs them against the S3 of `cargo local`, and
# `cargo lambda invoke` sends the recorded events.
#
#   cargo_lambda.sh VENV
#
# VENV is a virtual environment with requirements-lambda.txt installed. Fails unless both events export all files,
# S3 holds them, signed-download lists what was exported, and post-process takes every shape of event, about objects
# that aren't there any more, without a failure and without a dead letter. Nothing outlives the script.
set -euo pipefail
cd "$(dirname "$0")/../.."

venv=${1:?usage: $0 VENV}
# What the caller has set must not stand in for what `cargo local` says.
unset AWS_ENDPOINT_URL AWS_ENDPOINT_URL_S3 AWS_ENDPOINT_URL_SQS AWS_ENDPOINT_URL_SNS AWS_ENDPOINT_URL_BEDROCK_RUNTIME \
    AWS_REGION AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN S3_BUCKET_NAME S3_BASE_PATH \
    AUDIT_BUCKET_NAME QUARANTINE_BUCKET_NAME DEFAULT_TENANT PUBLIC_URL TOPIC_ARN DEAD_LETTER_QUEUE_URL \
    BEDROCK_MODEL_ID BEDROCK_MAX_TOKENS BEDROCK_TEMPERATURE REASONING_ENABLED REASONING_BUDGET_TOKENS
export PATH="$venv/bin:$PATH"
work=$(mktemp -d)
groups=()
stop() {
    for group in "${groups[@]}"; do
        kill -TERM -- "-$group" 2>/dev/null || true
    done
    sleep 1
    for group in "${groups[@]}"; do
        kill -KILL -- "-$group" 2>/dev/null || true
    done
    rm -rf "$work"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

free_port() {
    "$venv/bin/python" -c 'import socket
with socket.socket() as s:
    s.bind(("127.0.0.1", 0))
    print(s.getsockname()[1])'
}

# Waits until a pattern stands in a file, and shows the file when it never does.
await() {
    for _ in $(seq 600); do
        grep -q "$1" "$2" && return
        sleep 0.5
    done
    echo "$0: never saw '$1':" >&2
    cat "$2" >&2
    exit 1
}

set -m # each background job leads a process group
cargo local --port 0 --s3-port 0 --data "$work/data" >"$work/local" 2>&1 </dev/null &
groups+=($!)
set +m
await "Ctrl-C stops" "$work/local"
eval "$(grep '^  export ' "$work/local")"

watch_port=$(free_port)
set -m
cargo lambda watch --ignore-changes -A 127.0.0.1 -P "$watch_port" >"$work/watch" 2>&1 </dev/null &
groups+=($!)
set +m
await "starting Runtime server" "$work/watch"

# The first call waits for the function's build.
for event in tests/events/export_review.json tests/events/post_reviews.json; do
    cargo lambda invoke session-export -A 127.0.0.1 -P "$watch_port" --data-file "$event" >"$work/answer" ||
        { cat "$work/watch" >&2; exit 1; }
    "$venv/bin/python" - "$work/answer" "$event" "$work/data" <<'PYTHON'
import json, pathlib, sys
answer = json.load(open(sys.argv[1]))
if "statusCode" in answer:
    assert answer["statusCode"] == 201, answer
    answer = json.loads(answer["body"])
assert answer["total_files"] == 14, answer
# The embedded S3 shows its objects as plain files.
bucket, _, prefix = answer["location"].removeprefix("s3://").partition("/")
folder = pathlib.Path(sys.argv[3]) / bucket / "objects" / prefix
stored = {path.relative_to(folder).as_posix(): path.stat().st_size for path in folder.rglob("*") if path.is_file()}
assert stored == {file["path"]: file["size"] for file in answer["uploaded_files"]}, (stored, answer)
assert len(stored) == 14 and "manifest.json" in stored, stored
print(f"cargo lambda invoke --data-file {sys.argv[2]}: {len(stored)} files in {answer['location']}")
PYTHON
done

event=tests/events/get_documents.json
cargo lambda invoke signed-download -A 127.0.0.1 -P "$watch_port" --data-file "$event" >"$work/answer" ||
    { cat "$work/watch" >&2; exit 1; }
"$venv/bin/python" - "$work/answer" "$event" <<'PYTHON'
import json, sys
answer = json.load(open(sys.argv[1]))
assert answer["statusCode"] == 200, answer
documents = json.loads(answer["body"])["documents"]
# The command's export is another tenant's.
assert [document["document_name"] for document in documents] == ["write-up TR-20417.docx"], documents
print(f"cargo lambda invoke --data-file {sys.argv[2]}: {documents[0]['path']}")
PYTHON

for event in tests/events/post-process/*.json; do
    cargo lambda invoke post-process -A 127.0.0.1 -P "$watch_port" --data-file "$event" >"$work/answer" ||
        { cat "$work/watch" >&2; exit 1; }
    "$venv/bin/python" - "$work/answer" "$event" <<'PYTHON'
import json, pathlib, sys
answer = json.load(open(sys.argv[1]))
from_queue = pathlib.Path(sys.argv[2]).name.startswith("sqs_")
assert answer == ({"batchItemFailures": []} if from_queue else None), answer
print(f"cargo lambda invoke --data-file {sys.argv[2]}: {json.dumps(answer)}")
PYTHON
done
"$venv/bin/python" - "$AWS_ENDPOINT_URL_SQS" "$DEAD_LETTER_QUEUE_URL" <<'PYTHON'
import json, sys, urllib.request
# The stand-in wants a signature, whichever it is.
scope = "Credential=casefile/20251114/us-east-1/sqs/aws4_request"
headers = {
    "Content-Type": "application/x-amz-json-1.0",
    "X-Amz-Target": "AmazonSQS.GetQueueAttributes",
    "Authorization": f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature={'0' * 64}",
}
asked = {"QueueUrl": sys.argv[2], "AttributeNames": ["ApproximateNumberOfMessages"]}
request = urllib.request.Request(sys.argv[1], json.dumps(asked).encode(), headers)
with urllib.request.urlopen(request, timeout=10) as answer:
    letters = json.load(answer)["Attributes"]["ApproximateNumberOfMessages"]
assert letters == "0", f"{letters} dead letters"
print("no dead letter of them")
PYTHON
