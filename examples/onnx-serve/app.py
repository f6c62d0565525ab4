"""Serves an ONNX model: which penguin has a bill of this length and depth?"""

import os
from pathlib import Path

import numpy as np
import onnxruntime
from flask import Flask, request

app = Flask(__name__)

SPECIES = ("Adelie", "Chinstrap", "Gentoo")
# The best that this build of ONNX Runtime has and the machine can serve: CUDA, else the CPU.
SESSION = onnxruntime.InferenceSession(
    os.environ.get("MODEL", Path(__file__).with_name("penguins.onnx")),
    providers=onnxruntime.get_available_providers(),
)


@app.get("/")
def classify() -> dict[str, object]:
    bill = [float(request.args.get(name, "40")) for name in ("length", "depth")]
    [likely] = SESSION.run(None, {"bill": np.array([bill], dtype=np.float32)})[0]
    return {
        "species": SPECIES[int(np.argmax(likely))],
        "likely": {name: round(float(p), 3) for name, p in zip(SPECIES, likely, strict=True)},
    }


@app.get("/health")
def health() -> dict[str, object]:
    return {"model": "loaded", "providers": SESSION.get_providers()}
