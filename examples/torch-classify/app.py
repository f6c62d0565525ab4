"""Serves what train.py has learned."""

import os

import torch
from flask import Flask, request
from network import Moons, device

app = Flask(__name__)

WHERE = device()
MODEL = Moons().to(WHERE).eval()
MODEL.load_state_dict(
    torch.load(os.environ.get("MODEL", "model.pt"), map_location=WHERE, weights_only=True)
)


@app.get("/")
def classify() -> dict[str, object]:
    point = [float(request.args.get(name, "0")) for name in ("x", "y")]
    with torch.inference_mode():
        likely = MODEL(torch.tensor([point], device=WHERE)).softmax(dim=1)[0]
    return {"moon": int(likely.argmax()), "likely": round(float(likely.max()), 3)}


@app.get("/health")
def health() -> dict[str, str]:
    return {"torch": torch.__version__, "device": str(WHERE)}
