#!/bin/sh
# Runs spin exhaustively on one model. Succeeds if the model holds, or, for a variant with a step taken out, if spin
# finds the error that is expected of it: a check that cannot fail proves nothing.
#
# check_model.sh SPIN CC MODEL WORK_DIRECTORY holds|'text of the expected error' [-DVARIANT...]
set -eu
spin=$1 cc=$2 model=$3 work=$4 expected=$5
shift 5

rm -rf "$work"
mkdir -p "$work"
cp "$model" "$work/model.pml"
cd "$work"
# The compiler preprocesses: spin's default would be gcc, which need not be there.
"$spin" "-P$cc -E -P -w -x c" "$@" -a model.pml
# A variant's error is found at once, so there compiling is what takes time.
if [ "$expected" = holds ]; then optimization=-O1; else optimization=-O0; fi
"$cc" "$optimization" -w -DSAFETY -o pan pan.c
./pan -m1000000 -n >report 2>&1 || true
cat report

if grep -q "max search depth too small\|out of memory\|search not completed" report && [ "$expected" = holds ]; then
    echo "the search was not exhaustive" >&2
    exit 1
fi
if [ "$expected" = holds ]; then
    grep -q "errors: 0" report || { "$spin" "-P$cc -E -P -w -x c" "$@" -t -p model.pml | tail -60; exit 1; }
else
    grep -q "errors: [1-9]" report || { echo "spin found no error, but this variant has one" >&2; exit 1; }
    grep -q "^pan:[0-9]*: $expected" report || { echo "spin found another error than: $expected" >&2; exit 1; }
fi
