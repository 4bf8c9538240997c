# The project's everyday commands; `just` alone lists them.

_default:
    @just --list --unsorted

# Format everything.
fmt:
    cargo fmt --all

# Formatting and clippy, warnings are errors.
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings

# All tests of all crates, documentation examples included.
test:
    cargo test --workspace

# The tests of one crate alone, for instance `just test-crate infer`.
test-crate crate:
    cargo test --package detections-{{ crate }}

# The tests of every crate alone; each builds its dependencies with the features that it asks for itself.
test-each:
    for crate in crates/*/; do cargo test --package "detections-$(basename "$crate")" || exit 1; done

# Documentation, warnings are errors.
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

# Licences, sources, duplicate versions and the layer rules of .deny.toml.
deny:
    cargo deny check bans licenses sources

# Criterion benches of letterbox, heads, suppression and one session run.
bench:
    cargo bench --package detections-infer --package detections-infer-tract

# Fuzz what reads model files: model, metadata or graph; no other compiler is needed.
fuzz target="model" seconds="600":
    e2e/fuzz/run {{ target }} {{ seconds }}

# Detect in the fixture pictures with the built-in model; the drawn pictures land in out/.
demo:
    cargo run --release -- detect fixtures/media --save out

# The processor image, as detections-cpu:dev.
docker-cpu:
    docker/build cpu detections-cpu:dev

# The image for NVIDIA devices, as detections-gpu:dev; building it needs none.
docker-gpu:
    docker/build gpu detections-gpu:dev

# Size, content and start-up time of the processor image.
docker-measure:
    e2e/bench/image.sh detections-cpu:dev

# The development stack: the service between the mocks of its neighbours.
dev-up: docker-cpu
    docker/compose docker/docker-compose.yml build mock-loader mock-annotations
    docker/compose docker/docker-compose.yml up --wait

# Ends the development stack; its volumes stay.
dev-down:
    docker/compose docker/docker-compose.yml down

# The mocks alone.
mocks-up:
    docker/compose e2e/docker-compose.mocks.yml up --build --wait

# Ends the mocks.
mocks-down:
    docker/compose e2e/docker-compose.mocks.yml down

# The black-box stack: the image between the mocks, and all tests of the program against the image.
black-box profile="cpu":
    e2e/black-box {{ profile }}

# What continuous integration runs.
ci:
    .ci/run
