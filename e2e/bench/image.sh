#!/usr/bin/env bash
# Measures an image: its size and what is in it, and how long it takes from `docker run` to the first
# answer of `/health/ready`, with nothing but a port and a root that cannot be written.
#
# usage: image.sh [IMAGE [RUNS]]      detections-cpu:dev, 10 runs
set -euo pipefail
image=${1:-detections-cpu:dev}
runs=${2:-10}
port=${PORT:-18790}
name=detections-bench-image-$$
trap 'docker rm -f "$name" >/dev/null 2>&1 || true' EXIT

megabytes() { awk -v what="$1" '{ printf "%8.1f MB  %s\n", $1 / 1e6, what }'; }
# The bytes of the layers whose step contains some words.
layers() { docker history --no-trunc --human=false --format '{{.Size}} {{.CreatedBy}}' "$image" | grep "$1" | awk '{ sum += $1 } END { print sum + 0 }'; }
folder() { docker run --rm --entrypoint sh "$image" -c "du -sb $1 | cut -f1"; }

printf '%s\n' "$image"
docker image inspect --format '{{.Size}}' "$image" | megabytes 'uncompressed, of which'
ffmpeg=$(folder /opt/ffmpeg)
plugins=$(folder '/usr/lib/*/gstreamer-1.0')
program=$(layers 'COPY /detections')
gathered=$(layers 'COPY /runtime')
echo $(($(docker image inspect --format '{{.Size}}' "$image") - program - gathered)) | megabytes 'the base, with the user, the lists of what is in it and labels'
echo "$program" | megabytes 'the program, the built-in model in it'
echo "$ffmpeg" | megabytes "FFmpeg's decoders"
echo "$plugins" | megabytes "GStreamer's plugins"
echo $((gathered - ffmpeg - plugins)) | megabytes 'GStreamer itself, codecs, and what they link'
docker save "$image" | gzip -1 | wc -c | megabytes 'compressed (gzip -1)'

printf '\nfrom docker run to ready, milliseconds, %s runs: ' "$runs"
for _ in $(seq "$runs"); do
  begin=$(date +%s%3N)
  docker run --detach --rm --read-only --name "$name" --publish "127.0.0.1:$port:8080" "$image" >/dev/null
  until curl --silent --fail --output /dev/null --max-time 1 "http://127.0.0.1:$port/health/ready"; do
    [ $(($(date +%s%3N) - begin)) -lt 60000 ] || { docker logs "$name" >&2; exit 1; }
    sleep 0.02
  done
  echo $(($(date +%s%3N) - begin))
  docker rm --force "$name" >/dev/null
done | sort -n | awk '{ all[NR] = $1 } END { printf "best %d · median %d · worst %d\n", all[1], all[int((NR + 1) / 2)], all[NR] }'
