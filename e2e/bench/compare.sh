#!/bin/sh
# Measures `detections serve` beside a Python service in its two usual set-ups, one process with all
# threads and several processes with one thread each, with the same requests in one run.
#
# usage: compare.sh DETECTIONS MODEL PICTURE PEER [argument of detections-bench …]
#
#   DETECTIONS  the program, built with --release
#   MODEL       a YOLOX model (.onnx), which both services load
#   PICTURE     the picture to send
#   PEER        the peer's Python file, for example fastapi_ort.py: an ASGI `app` with POST /detect
#               and GET /health that reads MODEL and THREADS from its environment
#
# environment: BENCH   detections-bench (found on PATH)
#              PYTHON  a Python with the peer's packages (python3)
#              THREADS processors to use (all)
#              PROCESSES  processes of the peer's second set-up (4)
#              PORT    the first of three ports (18091)
set -eu

if [ $# -lt 4 ]; then
    sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
    exit 64
fi
program=$1 model=$2 picture=$3 peer=$4
shift 4

bench=${BENCH:-detections-bench}
python=${PYTHON:-python3}
threads=${THREADS:-$(nproc)}
processes=${PROCESSES:-4}
port=${PORT:-18091}

peer_folder=$(cd "$(dirname "$peer")" && pwd)
peer_module=$(basename "$peer" .py)
server="'$python' -m uvicorn $peer_module:app --app-dir '$peer_folder' --log-level warning"

one=$((port + 1)) many=$((port + 2))
exec "$bench" --picture "$picture" --clients 1,4,16 \
    --target "ours=http://127.0.0.1:$port/detect" \
    --spawn "ours=exec '$program' serve --model '$model' --threads $threads --bind 127.0.0.1:$port 2>/dev/null" \
    --target "peer-1x$threads=http://127.0.0.1:$one/detect" \
    --spawn "peer-1x$threads=MODEL='$model' THREADS=$threads exec $server --port $one" \
    --target "peer-${processes}x1=http://127.0.0.1:$many/detect" \
    --spawn "peer-${processes}x1=MODEL='$model' THREADS=1 exec $server --port $many --workers $processes" \
    "$@"
