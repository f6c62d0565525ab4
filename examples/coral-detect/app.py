"""Finds the lamp in a picture: on the Edge TPU if there is one, else on the processor."""

import os
import sys
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter, load_delegate

HERE = Path(__file__).parent
CELL = 8


def interpreter(model: str) -> Interpreter:
    """With the Edge TPU's delegate where its library and a device are."""
    try:
        delegates = [load_delegate("libedgetpu.so.1")]
        print("runs on the Edge TPU")
    except (OSError, ValueError) as error:
        delegates = []
        print(f"runs on the processor: {str(error).strip() or 'no Edge TPU'}")
    made = Interpreter(model_path=model, experimental_delegates=delegates)
    made.allocate_tensors()
    return made


def picture(path: Path) -> np.ndarray:
    """A grey picture in PGM's binary form."""
    header, _, pixels = path.read_bytes().partition(b"\n")
    _, width, height, _ = header.split()
    return np.frombuffer(pixels, np.uint8).reshape(1, int(height), int(width), 1)


def main() -> None:
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "scene.pgm"
    model = interpreter(os.environ.get("MODEL", str(HERE / "lamp.tflite")))
    model.set_tensor(model.get_input_details()[0]["index"], picture(path))
    model.invoke()
    cells = model.get_tensor(model.get_output_details()[0]["index"])[0, :, :, 0]
    row, column = np.unravel_index(cells.argmax(), cells.shape)
    print(
        f"lamp near x={column * CELL + CELL // 2} y={row * CELL + CELL // 2}, {cells.max()} of 255"
    )


if __name__ == "__main__":
    main()
