"""The usual loop around a video: OpenCV's VideoCapture, ONNX Runtime, NumPy, one frame after another.

    python video_loop.py MODEL VIDEO THREADS

MODEL is a YOLOX model. Prints frames, seconds from opening the video to its last frame, and the most memory that
the process held in KiB. Loading libraries and the model, and one warm-up frame, are not counted.
"""

import os
import resource
import sys
import time

MODEL, VIDEO, THREADS = sys.argv[1], sys.argv[2], int(sys.argv[3])
os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] = f"threads;{THREADS}"

import cv2  # noqa: E402
import numpy as np  # noqa: E402
import onnxruntime  # noqa: E402

cv2.setNumThreads(THREADS)
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = THREADS
session = onnxruntime.InferenceSession(MODEL, options, ["CPUExecutionProvider"])
tensor = session.get_inputs()[0]
HEIGHT, WIDTH = tensor.shape[2:]


def grid():
    """Corners and strides of all cells, stride 8 first."""
    corners, strides = [], []
    for stride in (8, 16, 32):
        rows, columns = np.mgrid[0:HEIGHT // stride, 0:WIDTH // stride]
        corners.append(np.stack([columns.ravel(), rows.ravel()], 1))
        strides.append(np.full((rows.size, 1), stride))
    return np.concatenate(corners), np.concatenate(strides)


CORNERS, STRIDES = grid()


def detect(image, confidence=0.25, overlap=0.45):
    """Boxes, scores and classes of one frame."""
    ratio = min(HEIGHT / image.shape[0], WIDTH / image.shape[1])
    width, height = int(image.shape[1] * ratio), int(image.shape[0] * ratio)
    canvas = np.full((HEIGHT, WIDTH, 3), 114, np.uint8)
    canvas[:height, :width] = cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)
    batch = canvas.transpose(2, 0, 1)[None].astype(np.float32)
    output = session.run(None, {tensor.name: batch})[0][0]
    scores = output[:, 4:5] * output[:, 5:]
    classes, best = scores.argmax(1), scores.max(1)
    kept = best >= confidence
    centres = (output[kept, :2] + CORNERS[kept]) * STRIDES[kept]
    sizes = np.exp(output[kept, 2:4]) * STRIDES[kept]
    boxes = np.concatenate([centres - sizes / 2, sizes], 1) / ratio
    best, classes = best[kept], classes[kept]
    if not len(boxes):
        return []
    chosen = cv2.dnn.NMSBoxesBatched(boxes.tolist(), best.tolist(), classes.tolist(), confidence, overlap)
    return [(boxes[one], best[one], classes[one]) for one in chosen]


def main():
    """Searches every frame."""
    detect(np.zeros((HEIGHT, WIDTH, 3), np.uint8))
    frames, started = 0, time.perf_counter()
    video = cv2.VideoCapture(VIDEO)
    while True:
        more, image = video.read()
        if not more:
            break
        detect(image)
        frames += 1
    seconds = time.perf_counter() - started
    print(frames, f"{seconds:.3f}", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


main()
