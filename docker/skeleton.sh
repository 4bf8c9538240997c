#!/bin/sh
# Makes a workspace of manifests alone: everything that decides which dependencies are built, and no
# line of our own code. As long as it comes out the same, the layer built from it is taken as it is.
#   docker/skeleton.sh FROM TO
set -eu
from=$1
to=$2

cd "$from"
mkdir -p "$to"
cp -a Cargo.toml Cargo.lock .cargo "$to"
find bins crates e2e -name Cargo.toml | sort | while read -r manifest; do
  package=$(dirname "$manifest")
  mkdir -p "$to/$package/src"
  cp "$manifest" "$to/$manifest"
  # Pages are compiled into documentation; here an empty one does, for none is in the context.
  : >"$to/$package/README.md"
  echo '//! Nothing yet.' >"$to/$package/src/lib.rs"
  if [ -e "$package/src/main.rs" ]; then
    echo 'fn main() {}' >"$to/$package/src/main.rs"
  fi
  for folder in benches examples; do
    [ -d "$package/$folder" ] || continue
    mkdir -p "$to/$package/$folder"
    for file in "$package/$folder"/*.rs; do
      echo 'fn main() {}' >"$to/$file"
    done
  done
done
# When a file was copied says nothing about what it holds.
find "$to" -exec touch -h -d @0 {} +
