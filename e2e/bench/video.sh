#!/bin/sh
# Measures videos in one run: decoding and preprocessing alone beside `ffmpeg -f null`, and a whole search beside a
# loop of OpenCV's VideoCapture and ONNX Runtime. All take turns on the same processors.
#
# usage: video.sh DETECTIONS INTAKE MODEL VIDEO
#
#   DETECTIONS  the program, built with --release
#   INTAKE      the example `video_intake` of the package detections, built with --release
#   MODEL       a YOLOX model (.onnx), which both searches load
#   VIDEO       the video to search; scaled to 1080p it is what decoding is measured with
#
# environment: PYTHON  a Python with numpy, onnxruntime and opencv-python-headless (python3)
#              THREADS processors to use (2)
#              ROUNDS  how often the candidates take turns (3); the table shows the median
#              PORT    the service's port (18095)
set -eu

if [ $# -ne 4 ]; then
    sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
    exit 64
fi
program=$1 intake=$2 model=$3 video=$4
python=${PYTHON:-python3} threads=${THREADS:-2} rounds=${ROUNDS:-3} port=${PORT:-18095}
here=$(cd "$(dirname "$0")" && pwd)
cores="taskset --cpu-list 0-$((threads - 1))"

folder=$(mktemp -d)
server=
finish() {
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    rm -rf "$folder"
}
trap finish EXIT
trap 'exit 1' INT TERM

# Frames of 1080p, four times over.
clip=$folder/clip.mp4
ffmpeg -nostdin -v error -stream_loop 3 -i "$video" -an -vf scale=1920:1080 -c:v libx264 -preset veryfast \
    -pix_fmt yuv420p -movflags +faststart "$clip"

# Each candidate prints one line: frames, seconds, KiB.
decode_ffmpeg() {
    $cores ffmpeg -nostdin -hide_banner -benchmark -threads "$threads" -i "$clip" -f null - 2>"$folder/log"
    frames=$(tr '\r' '\n' <"$folder/log" | sed -n 's/^frame= *\([0-9]*\).*/\1/p' | tail -n 1)
    seconds=$(sed -n 's/.*rtime=\([0-9.]*\)s.*/\1/p' "$folder/log")
    echo "$frames $seconds $(sed -n 's/.*maxrss=\([0-9]*\).*/\1/p' "$folder/log")"
}

decode_ours() {
    $cores "$intake" "$clip"
}

search_python() {
    $cores "$python" "$here/video_loop.py" "$model" "$video" "$threads"
}

search_ours() {
    $cores "$program" serve --model "$model" --threads "$threads" --bind "127.0.0.1:$port" 2>"$folder/serve.log" &
    server=$!
    until curl --silent --fail --output /dev/null "http://127.0.0.1:$port/health/ready"; do
        kill -0 "$server" || { cat "$folder/serve.log" >&2; exit 1; }
    done
    seconds=$(curl --silent --fail --no-buffer --data-binary "@$video" --header 'Content-Type: video/mp4' \
        --output "$folder/events" --write-out '%{time_total}' "http://127.0.0.1:$port/detect/video")
    frames=$(grep -c '"type":"frame"' "$folder/events")
    echo "$frames $seconds $(sed -n 's/^VmHWM:[[:space:]]*\([0-9]*\).*/\1/p' "/proc/$server/status")"
    kill "$server"
    wait "$server" || true
    server=
}

: >"$folder/rows"
round=1
while [ "$round" -le "$rounds" ]; do
    for candidate in decode_ffmpeg decode_ours search_python search_ours; do
        # Not in a subshell: the service's process has to be known where it is ended.
        $candidate >"$folder/row"
        echo "$candidate $(cat "$folder/row")" >>"$folder/rows"
    done
    round=$((round + 1))
done

# The median by time, memory of that round.
median() {
    grep "^$1 " "$folder/rows" | sort -k 3,3 -n | sed -n "$(((rounds + 1) / 2))p"
}

pair() {
    { median "$2"; median "$3"; } | awk -v title="$1" '
        { name[NR] = $1; frames[NR] = $2; seconds[NR] = $3; rate[NR] = $2 / $3; mib[NR] = $4 / 1024 }
        END {
            printf "\n%s\n", title
            for (row = 1; row <= 2; row++)
                printf "  %-14s %6d frames %8.2f s %8.1f frames/s %7.0f MiB\n", name[row], frames[row], seconds[row], rate[row], mib[row]
            printf "  ours to theirs: %.2f × the frames/s, %.2f × the memory\n", rate[2] / rate[1], mib[2] / mib[1]
        }'
}

echo "$threads processors, median of $rounds rounds"
pair 'Decoding 1080p H.264; ours also fits each frame into a tensor of 3x640x640' decode_ffmpeg decode_ours
pair 'Searching every frame of the video; ours over HTTP, followed over time' search_python search_ours
