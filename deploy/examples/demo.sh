#!/usr/bin/env bash
# The main job, from nothing to a report: starts the daemon in a scratch directory, lists what this machine offers,
# runs a dry-run study, stops the daemon, and makes sure that every knob has its original value.
#
#     demo.sh [WORKLOAD [DEVICE [REPORT]]]
#
# Exit status: the study's own (0 done, 1 failed, 2 bad input, 3 infeasible), or 1 if something was left behind.
set -euo pipefail

workload=${1:-minilm}
device=${2:-local}
report=${3:-report}
examples=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

scratch=$(mktemp -d "${TMPDIR:-/tmp}/wattune.XXXXXX")
mkdir -m 700 "$scratch/run" "$scratch/state"
config=$examples/wattune.toml
[[ $device != virtual:* ]] || config=$examples/virtual.toml
places=(--config "$config" --runtime-dir "$scratch/run" --state-dir "$scratch/state"
    --device "$device")
daemon=
client=
has_served=

# Asks a child of ours to end, and makes it after 30 s.
end() {
    local child=$1
    kill -TERM "$child" 2>/dev/null || return 0
    for _ in {1..300}; do
        kill -0 "$child" 2>/dev/null || break
        sleep 0.1
    done
    kill -KILL "$child" 2>/dev/null || true
    wait "$child" 2>/dev/null || true
}

# Runs however this script ends. A daemon that never served has set nothing.
# What could not be put back is kept, with the journal that says how.
clean_up() {
    local status=$?
    trap '' HUP INT TERM
    [[ -z $client ]] || end "$client"
    [[ -z $daemon ]] || end "$daemon"
    if [[ -z $has_served ]]; then
        rm -rf "$scratch"
    elif wattune restore "${places[@]}"; then
        echo "The daemon has stopped; every knob has its original value."
        rm -rf "$scratch"
    else
        echo "Not everything could be put back. Try again: wattune restore ${places[*]}" >&2
        status=1
    fi
    exit "$status"
}
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# In the background, so that a signal is heard while it runs.
wattune_client() {
    wattune "$@" --runtime-dir "$scratch/run" &
    client=$!
    wait "$client"
    client=
}

wait_for_daemon() {
    for _ in {1..300}; do
        [[ -S $scratch/run/control.sock ]] && return 0
        kill -0 "$daemon" 2>/dev/null || break
        sleep 0.1
    done
    cat "$scratch/daemon.log" >&2
    wait "$daemon"
}

wattune serve "${places[@]}" >"$scratch/daemon.log" 2>&1 &
daemon=$!
wait_for_daemon
has_served=yes

wattune_client probe
wattune_client tune "$workload" --dry-run --report "$report"
