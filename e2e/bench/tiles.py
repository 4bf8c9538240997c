"""Measures the search in tiles on a large scene whose truth is known, beside SAHI with the same model and settings.

    python tiles.py PROGRAM [--model topview.onnx] [--side 10000] [--objects 2000] [--threads 2] [--out FOLDER]

PROGRAM is `detections`, built with --release. Needs what `fixtures/requirements.txt` lists, and `sahi`.
Each candidate is a process of its own that reads the same JPEG: its wall time is that of the whole process, its
memory the most that was resident.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
sys.path.insert(0, str(FIXTURES / "model"))

CONFIDENCE, OVERLAP, TILE_OVERLAP, SAME = 0.25, 0.45, 0.2, 0.5
LENGTHS = (36.0, 76.0)
"""Lengths of the objects in pixels: those that the model sees well and that fit into the overlap of tiles."""
ON_LAND = ("car", "truck", "aircraft", "building", "storage tank")
MATCH = 0.5
"""Intersection over union from which on a box is an object's."""


def make_scene(side: int, count: int, seed: int) -> tuple:
    """A scene of `side` x `side` pixels with `count` objects that stand free, and its boxes and classes."""
    from ground import Ground
    from scenes import Camera, Item, Scene, render

    rng = np.random.default_rng(seed)
    scene = Scene(side, side, Ground("concrete", seed, 0.3, 0.1), shadow=0.35, slant=0.6, camera=Camera())
    along = int(np.ceil(np.sqrt(count)))
    cell = side / along
    cells = [(column, row) for row in range(along) for column in range(along)]
    for column, row in rng.permutation(cells)[:count]:
        length = rng.uniform(*LENGTHS)
        free = cell - 2 * length
        x, y = (column * cell + length + rng.uniform(0, free), row * cell + length + rng.uniform(0, free))
        kind = ON_LAND[rng.integers(len(ON_LAND))]
        scene.items.append(Item(kind, x, y, length, rng.uniform(0, 2 * np.pi), int(rng.integers(1 << 30))))
    return render(scene)


def paint(folder: Path, side: int, count: int, seed: int):
    """Leaves a scene and its truth in a folder."""
    import cv2

    image, boxes, classes = make_scene(side, count, seed)
    cv2.imwrite(str(folder / "scene.jpg"), image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])
    np.savez(folder / "truth.npz", boxes=boxes, classes=classes)


def ours(program: str, model: str, picture: str, threads: int) -> list:
    """The command that searches with this project's program."""
    return [
        program, "detect", picture, "--json", "--model", model, "--threads", str(threads), "--tile", "384x384",
        "--tile-overlap", str(TILE_OVERLAP), "--confidence", str(CONFIDENCE), "--iou", str(OVERLAP),
        "--max-detections", "10000",
    ]


def sahi(model: str, picture: str, threads: int):
    """Searches with SAHI and prints what the program would print."""
    import onnxruntime
    from sahi.models.base import DetectionModel
    from sahi.predict import get_sliced_prediction
    from sahi.prediction import ObjectPrediction

    from predict import Detector, letterbox, suppress

    class Onnx(DetectionModel):
        """The model by ONNX Runtime, as `predict.py` reads it."""

        required_packages = []

        def load_model(self):
            detector = Detector(Path(model))
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
            detector.session = onnxruntime.InferenceSession(model, options, ["CPUExecutionProvider"])
            self.model = detector
            self.category_mapping = {str(index): name for index, name in detector.names.items()}

        def perform_inference(self, image):
            canvas, place = letterbox(image, self.model.width, self.model.height, self.model.placement)
            found = suppress(*self.model.decode(self.model.run(self.model.prepare(canvas))), CONFIDENCE, OVERLAP)
            self._original_predictions = (found, place, image.shape)

        @property
        def category_names(self):
            return list(self.category_mapping.values())

        def _create_object_prediction_list_from_original_predictions(self, shift_amount_list=None, full_shape_list=None):
            (boxes, classes, scores), place, (height, width, _) = self._original_predictions
            shift = (shift_amount_list or [[0, 0]])[0] if np.ndim(shift_amount_list) == 2 else shift_amount_list
            full = full_shape_list[0] if np.ndim(full_shape_list) == 2 else full_shape_list
            ratio = np.array([width / place["new_w"], height / place["new_h"]] * 2)
            left_top = np.array([place["pad_left"], place["pad_top"]] * 2)
            boxes = np.clip((boxes - left_top) * ratio, 0, [width, height, width, height])
            self._object_prediction_list_per_image = [[
                ObjectPrediction(
                    bbox=box.tolist(), category_id=int(kind), score=float(score),
                    category_name=self.category_mapping[str(kind)], shift_amount=shift, full_shape=full,
                )
                for box, kind, score in zip(boxes, classes, scores) if (box[2:] > box[:2]).all()
            ]]

    side = 384
    result = get_sliced_prediction(
        picture, Onnx(confidence_threshold=CONFIDENCE), slice_height=side, slice_width=side, verbose=0,
        overlap_height_ratio=TILE_OVERLAP, overlap_width_ratio=TILE_OVERLAP, perform_standard_pred=True,
        postprocess_type="GREEDYNMM", postprocess_match_metric="IOS", postprocess_match_threshold=SAME,
    )
    detections = [
        {"class_id": one.category.id, "confidence": one.score.value,
         "box": dict(zip(("x1", "y1", "x2", "y2"), one.bbox.to_xyxy()))}
        for one in result.object_prediction_list
    ]
    print(json.dumps({"detections": detections}))


def timed(command: list) -> tuple:
    """What a command prints, its seconds and the most MiB that it had resident."""
    started = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        printed = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{command[0]} ended with {process.returncode}")
    return json.loads(printed)["detections"], time.perf_counter() - started, usage.ru_maxrss / 1024


def score(found: list, boxes: np.ndarray, classes: np.ndarray) -> dict:
    """Recall, and the part of what was found that is an object for the second time, or none."""
    from predict import iou

    found = sorted(found, key=lambda one: -one["confidence"])
    places = np.array([[one["box"][edge] for edge in ("x1", "y1", "x2", "y2")] for one in found]).reshape(-1, 4)
    taken, twice, none = set(), 0, 0
    for one, place in zip(found, places):
        near = iou(place[None], boxes)[0] * (classes == one["class_id"])
        best = int(near.argmax())
        if near[best] < MATCH:
            inside = covered(place, boxes)
            is_again = inside in taken and classes[inside] == one["class_id"]
            twice, none = (twice + 1, none) if is_again else (twice, none + 1)
        elif best in taken:
            twice += 1
        else:
            taken.add(best)
    return {"found": len(found), "recall": len(taken) / len(boxes), "twice": twice / max(len(found), 1), "none": none}


def covered(place: np.ndarray, boxes: np.ndarray) -> int | None:
    """The object of which a box shows but a part: half of the box or more lies within it."""
    common = np.clip(np.minimum(place[2:], boxes[:, 2:]) - np.maximum(place[:2], boxes[:, :2]), 0, None).prod(1)
    best = int(common.argmax())
    return best if common[best] >= 0.5 * (place[2:] - place[:2]).prod() else None


def main():
    """Makes the scene, lets both search it, and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--model", default=str(FIXTURES / "model" / "topview.onnx"))
    parser.add_argument("--side", type=int, default=10_000)
    parser.add_argument("--objects", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--sahi", metavar="PICTURE", help=argparse.SUPPRESS)
    parser.add_argument("--paint", type=Path, metavar="FOLDER", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.sahi:
        return sahi(args.model, args.sahi, args.threads)
    if args.paint:
        return paint(args.paint, args.side, args.objects, args.seed)
    with tempfile.TemporaryDirectory() as folder:
        folder = args.out or Path(folder)
        folder.mkdir(exist_ok=True)
        picture, truth = folder / "scene.jpg", folder / "truth.npz"
        if not truth.exists():
            # By a process of its own: what this one holds would count as the memory of those that it starts.
            numbers = [str(number) for number in ("--side", args.side, "--objects", args.objects, "--seed", args.seed)]
            subprocess.run([sys.executable, __file__, args.program, "--paint", str(folder), *numbers], check=True)
        known = np.load(truth)
        commands = {
            "detections": ours(args.program, args.model, str(picture), args.threads),
            "SAHI": [sys.executable, __file__, args.program, "--model", args.model, "--threads", str(args.threads),
                     "--sahi", str(picture)],
        }
        print(f"{args.side} x {args.side} pixels, {len(known['boxes'])} objects, {args.threads} threads")
        rows = {}
        for name, command in commands.items():
            found, seconds, mib = timed(command)
            rows[name] = {**score(found, known["boxes"], known["classes"]), "seconds": seconds, "MiB": mib}
            print(f"{name:11}", {key: round(value, 4) for key, value in rows[name].items()}, flush=True)
        for key in ("seconds", "MiB"):
            print(f"ours to SAHI's: {rows['detections'][key] / rows['SAHI'][key]:.2f} × the {key}")
    return None


if __name__ == "__main__":
    main()
