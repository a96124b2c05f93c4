#!/usr/bin/env bash
# For the judges, to be sourced: `cargo local` in a temporary folder, and its end, whatever happens.
#
#   $work           the folder; it goes with the script
#   start_stack     starts `cargo local` on free ports and waits until it answers; its output is in $work/log
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

start_stack() {
    set -m # the background job leads a process group
    cargo local --port 0 --s3-port 0 --data "$work/data" >"$work/log" 2>&1 </dev/null &
    stack=$!
    set +m
    for attempt in $(seq 600); do
        grep -q "Ctrl-C stops" "$work/log" && return
        if [ "$attempt" = 600 ] || ! kill -0 "$stack" 2>/dev/null; then
            echo "$0: cargo local did not start:" >&2
            cat "$work/log" >&2
            exit 1
        fi
        sleep 0.5
    done
}
