#!/usr/bin/env bash
# Creates template.yaml's stack in LocalStack, twice side by side, reads it back, and deploys it again:
#
#   template_stack.sh VENV
#
# VENV is a virtual environment with requirements-localstack.txt installed. Nothing outlives the script.
set -euo pipefail
cd "$(dirname "$0")/../.."

venv=$(realpath "${1:?usage: $0 VENV}")
# What the caller has set must not stand in for LocalStack.
unset AWS_ENDPOINT_URL AWS_PROFILE AWS_REGION AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN
export PYTHONDONTWRITEBYTECODE=1
# The script finds the address where localstack.sh leaves it.
CASEFILE_LOCALSTACK_SERVICES=s3,sqs,sns,cloudformation,iam,sts,lambda,events,cloudwatch,logs,scheduler \
    tests/judges/localstack.sh "$venv" "$venv/bin/python" tests/judges/deployment/stack.py
