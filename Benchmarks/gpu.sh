#!/usr/bin/env bash
# Everything about a GPU in one command: sets OpenCL up if that is needed, then devices, verify, tune and bench, beside
# PyTorch where python3 has one that sees the GPU. It needs a driver and this folder; no Swift where a static build of
# nonlocal (make static) lies beside it.
#
# Usage: Benchmarks/gpu.sh [--output FOLDER] [--quick]
#   --output FOLDER   where results go (default: gpu-results): gpu.md, and all that it was made from
#   --quick           small shapes, to see that everything works
# NONLOCAL names the command, NONLOCAL_DEVICE the device (default: gpu). Status 1 if any kernel is wrong.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
output=gpu-results
quick=
while [ $# -gt 0 ]; do
    case $1 in
        --output) output=${2:?--output takes a folder}; shift 2 ;;
        --quick) quick=1; shift ;;
        *) sed -n '2,11s/^# \{0,1\}//p' "$0" >&2; exit 64 ;;
    esac
done
export NONLOCAL_DEVICE=${NONLOCAL_DEVICE:-gpu}
mkdir -p "$output"
say() { printf '%s\n' "$*" >&2; }

# The loader, if the system has none: one that lies beside this script or the command.
if ! ldconfig -p 2>/dev/null | grep -q 'libOpenCL\.so\.1'; then
    for folder in "$here" "$here/.." "$PWD"; do
        if [ -e "$folder/libOpenCL.so.1" ]; then
            export LD_LIBRARY_PATH=$folder${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
            say "OpenCL loader: $folder/libOpenCL.so.1"
            break
        fi
    done
fi

find_command() {
    local candidate
    for candidate in "${NONLOCAL:-}" "$here/nonlocal" "$here/../nonlocal" "$here/../.build/release/nonlocal"; do
        if [ -n "$candidate" ] && [ -x "$candidate" ]; then printf '%s' "$candidate"; return; fi
    done
    if command -v swift >/dev/null; then
        say "Building nonlocal ..."
        (cd "$here/.." && swift build -c release --product nonlocal >&2) || return 1
        printf '%s' "$here/../.build/release/nonlocal"
    fi
}
nonlocal=$(find_command)
[ -n "$nonlocal" ] || { say "No nonlocal: put a static build (make static) beside this script, or set NONLOCAL."; exit 1; }

# A driver without a file that names it: containers often have the library alone.
if ! "$nonlocal" bench --bare --shape 1x4x4 --runs 1 >/dev/null 2>"$output/first.log"; then
    driver=$(find / -xdev -name 'libnvidia-opencl.so*' 2>/dev/null | sort | head -1 || true)
    [ -n "$driver" ] || driver=$(find /usr/local -name 'libnvidia-opencl.so*' 2>/dev/null | sort | head -1 || true)
    if [ -n "$driver" ]; then
        mkdir -p "$output/vendors"
        printf '%s\n' "$driver" >"$output/vendors/nvidia.icd"
        export OCL_ICD_VENDORS=$(cd "$output/vendors" && pwd)
        say "OpenCL driver: $driver"
    fi
    "$nonlocal" bench --bare --shape 1x4x4 --runs 1 >/dev/null 2>"$output/first.log" || {
        cat "$output/first.log" >&2
        say "No device '$NONLOCAL_DEVICE' answers."
        exit 1
    }
fi

"$nonlocal" devices --json >"$output/devices.json"
"$nonlocal" devices | tee "$output/devices.txt"

status=0
say "Verifying ..."
"$nonlocal" verify --json --device "$NONLOCAL_DEVICE" >"$output/verify.json" 2>"$output/verify.log" || status=1
"$nonlocal" verify --device "$NONLOCAL_DEVICE" >"$output/verify.txt" 2>&1 || status=1
cat "$output/verify.txt"

if "$nonlocal" tune --help >/dev/null 2>&1; then
    say "Tuning ..."
    "$nonlocal" tune --device "$NONLOCAL_DEVICE" >"$output/tune.txt" 2>&1 || say "tune: $(tail -1 "$output/tune.txt")"
fi

# One object a line: the case, and what bench says of it with validation off and on, or why it can't be had.
bench() {
    local name=$1 section=$2 precision=$3 peer=$4 least=$5 options=$6 validate result error
    printf '{"section": "%s", "name": "%s", "precision": "%s", "peer": "%s", "least": "%s", "options": "%s"' \
        "$section" "$name" "$precision" "$peer" "$least" "$options"
    for validate in off sampled; do
        # shellcheck disable=SC2086 — options are words.
        if result=$("$nonlocal" bench --json --device "$NONLOCAL_DEVICE" --precision "$precision" \
            --validate "$validate" $options 2>"$output/bench.log"); then
            printf ', "%s": %s' "$validate" "$(printf '%s' "$result" | tr -d '\n')"
        else
            error=$(grep -m1 -E '^(nonlocal|Error):' "$output/bench.log" | tr -d '"\\' || true)
            printf ', "%s_error": "%s"' "$validate" "${error:-failed}"
        fi
    done
    printf '}\n'
}

cases=$here/gpu/cases.txt
say "Timing ..."
: >"$output/bench.jsonl"
while IFS='|' read -r section name precision peer least options; do
    trim() { local text=$1; text=${text#"${text%%[![:space:]]*}"}; printf '%s' "${text%"${text##*[![:space:]]}"}"; }
    section=$(trim "$section"); name=$(trim "$name"); precision=$(trim "$precision"); peer=$(trim "$peer")
    least=$(trim "$least"); options=$(trim "$options")
    if [ -n "$quick" ]; then
        options=$(printf '%s' "$options" | sed -E 's/[0-9]{4,}(x|$| )/64\1/g; s/(x)(512|256|784|128)/\164/g; s/--inner 512/--inner 64/')
        options="$options --runs 2"
    fi
    say "  $section: $name, $precision"
    bench "$name" "$section" "$precision" "$peer" "$least" "$options" >>"$output/bench.jsonl"
done < <(grep -v '^#' "$cases")

if command -v python3 >/dev/null; then
    python3 -B "$here/gpu/beside.py" "$output" ${quick:+--quick}
    say "$output/gpu.md"
else
    say "Without python3 there is no table: $output/bench.jsonl has the figures."
fi
exit "$status"
