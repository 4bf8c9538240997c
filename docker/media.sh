#!/bin/sh
# Gathers what decodes videos into a folder that is laid over the runtime image: the GStreamer plugins
# that are listed here and the libraries that they and the program link, without those of the base.
#   docker/media.sh PROGRAM TO
set -eu
program=$1
to=$2

# Elements that the program names; typefinding and containers; parsers; decoders; and the encoder of
# `detect --save`. Another plugin would be a way for a client's bytes into code that nobody needs.
plugins='coreelements app typefindfunctions videoconvertscale videofilter
  isomp4 matroska avi mpegtsdemux mpegpsdemux videoparsersbad jpegformat
  libav vpx aom jpeg png openh264'

libraries=/usr/lib/$(dpkg-architecture -qDEB_HOST_MULTIARCH)
folder=$libraries/gstreamer-1.0
scanner=$libraries/gstreamer1.0/gstreamer-1.0/gst-plugin-scanner
list=$(mktemp)

mkdir -p "$to"
wanted="$program $scanner"
for plugin in $plugins; do
  wanted="$wanted $folder/libgst$plugin.so"
done
for file in $wanted; do
  [ "$file" = "$program" ] || echo "$file"
  ldd "$file" | awk '$3 ~ /^\// { print $3 }'
done | sort -u >"$list"

# With every link on the way to a library, and none of what the base image has already.
while read -r file; do
  while :; do
    # The base's `/lib` is a link to `/usr/lib`, which a folder of that name would be in the way of.
    case $file in
      /lib/*) file=/usr$file ;;
    esac
    name=$file
    [ -e "/base$name" ] || {
      mkdir -p "$to$(dirname "$name")"
      cp -a "$name" "$to$name"
      realpath -e "$name" >>"$list.copied"
    }
    [ -L "$name" ] || break
    target=$(readlink "$name")
    case $target in
      /*) file=$target ;;
      *) file=$(dirname "$name")/$target ;;
    esac
  done
done <"$list"

# Which packages they come from: their licences stay with them, and the bill of materials names them.
mkdir -p "$to/app/sbom"
sort -u "$list.copied" | while read -r file; do
  case $file in
    /opt/*) continue ;;
  esac
  dpkg-query -S "$file" 2>/dev/null || dpkg-query -S "${file#/usr}" 2>/dev/null || true
done | sed 's/: .*//' | sort -u | while read -r package; do
  dpkg-query -W -f '${Package}\t${Version}\t${source:Package}\n' "$package"
  mkdir -p "$to/usr/share/doc/${package%%:*}"
  cp -L "/usr/share/doc/${package%%:*}/copyright" "$to/usr/share/doc/${package%%:*}/copyright"
done >"$to/app/sbom/media-packages.tsv"
