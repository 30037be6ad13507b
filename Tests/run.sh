#!/usr/bin/env bash
# Runs tests that are built, group after group, whatever fails; says at the end what failed and what was skipped.
#
#   Tests/run.sh check   those that need no other program; what a machine does not let them do is skipped
#   Tests/run.sh all     every one, and makes the package that some are of; a test that is skipped is a failure, unless
#                        MAY_SKIP=1: on a machine where one cannot be root, trace, mount or boot another
set -u
cd "$(dirname "$0")/.."
logs=.build/tests
rm -rf $logs
mkdir -p $logs
failed=""

# group NAME ARGUMENT…: the tests that the arguments of `swift test` choose, in one process.
group() {
    local name=$1 began=$SECONDS
    shift
    echo "== $name"
    "${SWIFT:-swift}" test -c release --skip-build "$@" 2>&1 | tee $logs/$name.log
    local status=${PIPESTATUS[0]}
    # A filter that fits nothing is a mistake of ours.
    grep -qE 'Test run with [1-9]' $logs/$name.log || status=1
    [ "$status" = 0 ] || failed="$failed $name"
    times+=("$name $((SECONDS - began)) s")
}

times=()
case ${1:-all} in
check)
    # The daemon's tests need browsers, web servers and root.
    group check --skip 'DaemonTests|WebTests'
    group web --filter WebTests
    ;;
all)
    # Each beside its own kind: what measures memory, time and whole disks has the machine to itself.
    group plain --skip 'Hardship|StorageTests|WebTests|UnderSystemd'
    group web --filter WebTests
    group storage --filter StorageTests
    group hardship --filter Hardship
    # The last one: from now on .build has a program for use.
    if env -u FOOTFALL_CRASH_POINTS make deb >$logs/deb.log 2>&1; then
        FOOTFALL_PACKAGE=$PWD/.build/package/footfall.deb group systemd --filter UnderSystemd
    else
        tail -20 $logs/deb.log
        failed="$failed deb"
    fi
    ;;
*)
    echo "Tests/run.sh check or all" >&2
    exit 64
    ;;
esac

echo
printf '%s\n' "${times[@]}"
skipped=$(grep -hE '^➜ ' $logs/*.log | sort -u)
if [ -n "$skipped" ]; then
    echo
    echo "Skipped:"
    echo "$skipped"
    [ "${1:-all}" = check ] || [ -n "${MAY_SKIP:-}" ] || failed="$failed skipped"
fi
if [ -n "$failed" ]; then
    echo
    echo "FAILED:$failed; all of the output is in $logs"
    grep -A2 -E 'recorded an issue|Fatal error|^error: ' $logs/*.log | cut -c1-400 | head -100
    exit 1
fi
