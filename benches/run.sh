#!/usr/bin/env bash
# Measures the library beside its peers, and prints the table of benches/README.md in Markdown.
#
#   benches/run.sh              all jobs: some 8 minutes, and 3 more for the build; 20 at most
#   benches/run.sh j07 j16      the jobs whose binaries begin so
#   benches/run.sh --table      only the table, of the figures of the last run
#
#   PEERS_PAIRS   rounds of each contest (default 9; for echo 21)
#   OUT           where the figures go (default: benches in the target directory)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Seconds for the binary of one job.
JOB_LIMIT=600

target="$(cargo metadata --no-deps --format-version 1 | sed -E 's/.*"target_directory":"([^"]*)".*/\1/')"
out="${OUT:-$target/benches}"

table() {
    echo "| job | ours | peer | ours ÷ peer (95 % interval) | bar | |"
    echo "| --- | ---: | --- | ---: | ---: | --- |"
    cat "$out"/j*.out | awk '
        $4 == "ratio" {
            peer = $2
            sub(/^ours\//, "", peer)
            split($5, at, "[.][.]")
            printf "| %s | %s | %s: %s | %s (%s – %s) | %s | %s |\n", $1, value[$1, "ours"], peer, value[$1, peer],
                $3, at[1], at[2], $6, $7
            next
        }
        { value[$1, $2] = $3 " " $4 }
        $6 != "" { printf "| %s | %s | | %s | %s | %s |\n", $1, $3 " " $4, $5 == $3 ".." $3 ? "" : "(" $5 " " $4 ")", $6, $7 }
    '
}

if [ "${1:-}" = "--table" ]; then
    table
    exit
fi

nice cargo build --quiet --profile bench -p peers
mkdir -p "$out"
for path in benches/peers/src/bin/j*.rs; do
    job="$(basename "$path" .rs)"
    asked=$([ $# -eq 0 ] && echo yes || echo no)
    for prefix in "$@"; do
        case "$job" in "$prefix"*) asked=yes ;; esac
    done
    [ "$asked" = yes ] || continue
    pairs=9
    case "$job" in j08*) pairs=21 ;; esac
    echo "== $job, load of the machine: $(cut -d' ' -f1 /proc/loadavg 2>/dev/null || echo unknown)" >&2
    PEERS_PAIRS="${PEERS_PAIRS:-$pairs}" timeout "$JOB_LIMIT" "$target/release/$job" >"$out/$job.new"
    mv "$out/$job.new" "$out/$job.out"
done
table
