#!/bin/sh
# Builds FFmpeg's libraries from the distribution's source package, security updates included, with
# nothing in them but the decoders of the codecs that are promised. The distribution's own ones link
# 180 MB of encoders, speech synthesis and network protocols, some of them under the GPL.
#   docker/ffmpeg.sh TO
set -eu
to=$1

work=$(mktemp -d)
cd "$work"
apt-get source -q --download-only ffmpeg
dpkg-source -x ffmpeg_*.dsc source
cp ffmpeg_*.dsc "$work/origin"
cd source
decoders=h264,hevc,mpeg1video,mpeg2video,mpegvideo,mpeg4,h263,msmpeg4v1,msmpeg4v2,msmpeg4v3,mjpeg,vc1,wmv1,wmv2,wmv3,flv,prores,rawvideo
./configure --prefix=/usr --libdir="$to" --shlibdir="$to" --incdir="$work/include" \
  --disable-everything --disable-autodetect --disable-network --disable-programs --disable-doc \
  --disable-static --enable-shared --disable-debug --enable-pic \
  --enable-decoder="$decoders" --enable-parser=h264,hevc,mpegvideo,mpeg4video,mjpeg
make -j"$(nproc)"
make install-libs
rm -rf "$to/pkgconfig" "$to"/*.so
sed -n 's/^Version: //p' "$work/origin" | head -1 >"$to/VERSION"
