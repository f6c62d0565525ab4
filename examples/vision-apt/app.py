"""Count the shapes in a picture: OpenCV finds them, pandas says how many and how large."""

from pathlib import Path

import cv2
import pandas as pd

GREETING = "Shapes in the picture"
NAMES = {3: "triangle", 4: "square"}


def shapes(path: Path) -> pd.DataFrame:
    """One row a shape: its kind by the number of corners, and its area in pixels."""
    grey = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    _, black_and_white = cv2.threshold(grey, 127, 255, cv2.THRESH_BINARY_INV)
    outlines, _ = cv2.findContours(black_and_white, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    rows = []
    for outline in outlines:
        corners = cv2.approxPolyDP(outline, 0.03 * cv2.arcLength(outline, True), True)
        rows.append((NAMES.get(len(corners), "circle"), cv2.contourArea(outline)))
    return pd.DataFrame(rows, columns=["shape", "area"])


if __name__ == "__main__":
    found = shapes(Path(__file__).with_name("shapes.png"))
    print(GREETING)
    print(found.groupby("shape")["area"].agg(["count", "max"]).to_markdown())
