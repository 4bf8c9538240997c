#!/bin/sh
# Measures in one run whether a model is as fast with other inputs: the same network as float32, float16, bytes and
# with the channels last. They take turns on one thread; the table shows the median of each round's median.
#
# usage: inputs.sh DETECTIONS
#
#   DETECTIONS  the program, built with --release
#
# environment: RUNS    runs of each model in a round (200)
#              ROUNDS  how often they take turns (5)
set -eu

if [ $# -ne 1 ]; then
    sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
    exit 64
fi
program=$1 runs=${RUNS:-200} rounds=${ROUNDS:-5}
zoo=$(cd "$(dirname "$0")/../../fixtures/zoo" && pwd)
models='yolov8 yolov8-float16 yolov8-uint8 yolov8-nhwc yolov8-uint8-nhwc'

rows=$(mktemp)
trap 'rm -f "$rows"' EXIT
round=1
while [ "$round" -le "$rounds" ]; do
    for model in $models; do
        median=$("$program" bench --model "$zoo/$model.onnx" --threads 1 --runs "$runs" --json |
            sed -n 's/.*"infer_ms":{"median":\([0-9.]*\).*/\1/p')
        echo "$model $median" >>"$rows"
    done
    round=$((round + 1))
done

middle=$(((rounds + 1) / 2))
for model in $models; do
    median=$(grep "^$model " "$rows" | sort -k 2,2 -n | sed -n "${middle}p" | cut -d ' ' -f 2)
    [ "$model" = yolov8 ] && first=$median
    echo "$model $median $first" | awk '{ printf "%-20s %8.3f ms  %5.2f × float32\n", $1, $2, $2 / $3 }'
done
