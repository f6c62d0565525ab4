"""Serves what train.py has learned; needs none of what training needs."""

import json
import os
from pathlib import Path

from flask import Flask, request

app = Flask(__name__)

MODEL = json.loads(Path(os.environ.get("MODEL", "model.json")).read_text())


@app.get("/")
def predict() -> dict[str, float]:
    temperature = float(request.args.get("temperature", "20"))
    sales = MODEL["slope"] * temperature + MODEL["intercept"]
    return {"temperature": temperature, "sales": round(sales, 2)}


@app.get("/health")
def health() -> str:
    return f"ok, {os.environ.get('WEB_CONCURRENCY', 'one')} worker(s)"
