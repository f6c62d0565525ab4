"""Writes lamp.tflite and scene.pgm; the image needs neither this nor flatbuffers.

The model is as small as one can be that an Edge TPU takes: 8-bit numbers in and out, one
operation, the mean brightness of each cell of a picture. Google's compiler makes it one for the
Edge TPU: `edgetpu_compiler lamp.tflite`.
"""

from pathlib import Path

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as tflite

SIDE, CELL = 32, 8


def tensor(name: str, side: int) -> tflite.TensorT:
    made = tflite.TensorT()
    made.name, made.type, made.buffer = name, tflite.TensorType.UINT8, 0
    made.shape = [1, side, side, 1]
    made.quantization = tflite.QuantizationParametersT()
    made.quantization.scale, made.quantization.zeroPoint = [1 / 255], [0]
    return made


def main() -> None:
    pool = tflite.Pool2DOptionsT()
    pool.filterWidth = pool.filterHeight = pool.strideW = pool.strideH = CELL
    pool.padding = tflite.Padding.VALID
    operator = tflite.OperatorT()
    operator.opcodeIndex, operator.inputs, operator.outputs = 0, [0], [1]
    operator.builtinOptionsType = tflite.BuiltinOptions.Pool2DOptions
    operator.builtinOptions = pool
    graph = tflite.SubGraphT()
    graph.tensors = [tensor("picture", SIDE), tensor("brightness", SIDE // CELL)]
    graph.inputs, graph.outputs, graph.operators = [0], [1], [operator]
    code = tflite.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = tflite.BuiltinOperator.AVERAGE_POOL_2D
    code.version = 2
    model = tflite.ModelT()
    model.version, model.operatorCodes, model.subgraphs = 3, [code], [graph]
    model.buffers = [tflite.BufferT()]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    Path("lamp.tflite").write_bytes(bytes(builder.Output()))

    y, x = np.mgrid[:SIDE, :SIDE]
    light = 220 * np.exp(-((x - 21) ** 2 + (y - 10) ** 2) / 20) + 20
    header = f"P5 {SIDE} {SIDE} 255\n".encode()
    Path("scene.pgm").write_bytes(header + light.astype(np.uint8).tobytes())


if __name__ == "__main__":
    main()
