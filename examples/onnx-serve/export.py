"""Writes penguins.onnx, on a machine with `pip install onnx`; the image needs neither.

The mean bills of the Palmer penguins, in millimetres, as a linear classifier: the nearest mean is
the likeliest species.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

MEANS = np.array([[38.8, 18.3], [48.8, 18.4], [47.5, 15.0]], dtype=np.float32)


def main() -> None:
    weights = numpy_helper.from_array(MEANS.T.copy(), "weights")
    bias = numpy_helper.from_array(-(MEANS**2).sum(axis=1) / 2, "bias")
    graph = helper.make_graph(
        [
            helper.make_node("Gemm", ["bill", "weights", "bias"], ["score"]),
            helper.make_node("Softmax", ["score"], ["likely"], axis=-1),
        ],
        "penguins",
        [helper.make_tensor_value_info("bill", TensorProto.FLOAT, ["n", 2])],
        [helper.make_tensor_value_info("likely", TensorProto.FLOAT, ["n", len(MEANS)])],
        [weights, bias],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    onnx.save(model, "penguins.onnx")


if __name__ == "__main__":
    main()
