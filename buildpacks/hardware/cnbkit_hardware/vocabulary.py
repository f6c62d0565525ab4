"""The words of hardware.txt and what follows from each: the one place that knows.

Nothing here is read by other buildpacks. What `pip` has to do is told to it line by line
(`Accelerator.rules`, see README.md), so that a new CUDA, index or word is a change of this file.
"""

from __future__ import annotations

__all__ = ["ACCELERATORS", "ALIASES", "ARCHITECTURES", "REFUSED", "Accelerator"]

_TORCH = "torch torchvision torchaudio"
# Built for an accelerator as well, but not published on each index.
_TORCH_BESIDE = "torchao xformers pytorch-triton pytorch-triton-rocm pytorch-triton-xpu"

_ALWAYS = (
    f"family {_TORCH}",
    f"beside {_TORCH_BESIDE}",
    # Of the same name, but something else.
    (
        "refuse pycoral on the public index it is a tool for coral reefs; for the Edge TPU take "
        "ai-edge-litert (or tflite-runtime) with the delegate libedgetpu.so.1"
    ),
    (
        "refuse tensorflow-aarch64 a third party's, without updates since 2022; tensorflow itself "
        "has wheels for arm64"
    ),
)

# The public index has a name and nothing behind it.
_NO_NEURON = (
    "refuse torch-neuronx on the public index it is a placeholder; write neuron in hardware.txt "
    "to get the real one"
)

_CORAL = (
    "torch cpu",
    "expects ai-edge-litert tflite-runtime tensorflow",
    # The last Python with wheels, the package, and what follows it.
    "until 3.11 tflite-runtime ai-edge-litert",
    "until 3.9 pycoral ai-edge-litert",
)

_CPU = (
    "torch cpu",
    # Package, what would do without a GPU, and whether that is the same package otherwise.
    "leaner xgboost xgboost-cpu",
    "leaner onnxruntime-gpu onnxruntime",
    "leaner opencv-python opencv-python-headless",
    "leaner opencv-contrib-python opencv-contrib-python-headless",
    "leaner tensorflow tensorflow-cpu",
)

_CUDA = (
    # Of PyTorch's indexes, the newest first.
    "builds cu132 cu130 cu129 cu128 cu126 cu124 cu121 cu118",
    # What the wheels of the public index are for, from a version on.
    "default-of torch 2.15=13.2 2.11=13.0 2.8=12.8 2.7=12.6 2.6=12.4 2.1=12.1 0=11.8",
    "default 12.8",
    # The oldest driver: minor versions are compatible with the driver of their major one.
    "drivers 13=580 12=525.60.13 11.8=450.80.02",
    # From a version on, a package's wheels for this CUDA and newer ones leave out the GPUs before
    # Turing (compute capability 7.5), Volta among them, though CUDA itself still has them.
    "turing torch 2.11 12.8",
    # CUDA's major version, package, extra that brings its CUDA part, and what shows it is there.
    "extra 12 jax cuda12 jax-cuda12-plugin",
    "extra 13 jax cuda13 jax-cuda13-plugin",
    "extra 12 tensorflow and-cuda nvidia-cudnn-cu12",
    # Which CUDA it is for says its own metadata.
    "extra - onnxruntime-gpu cuda,cudnn nvidia-cudnn-cu12,nvidia-cudnn-cu13",
    # Packages that declare no CUDA, but load it when they are used.
    "runtime 12 ctranslate2 nvidia-cublas-cu12 nvidia-cudnn-cu12",
    (
        "runtime 12 cupy-cuda12x nvidia-cuda-runtime-cu12 nvidia-cuda-nvrtc-cu12 "
        "nvidia-cublas-cu12 nvidia-cufft-cu12 nvidia-curand-cu12 nvidia-cusolver-cu12 "
        "nvidia-cusparse-cu12 nvidia-nvjitlink-cu12"
    ),
    (
        "runtime 13 cupy-cuda13x nvidia-cuda-runtime nvidia-cuda-nvrtc nvidia-cublas nvidia-cufft "
        "nvidia-curand nvidia-cusolver nvidia-cusparse nvidia-nvjitlink"
    ),
    # torch, tensorflow and jax find their libraries themselves; these ask the loader.
    "loader ctranslate2 onnxruntime-gpu cupy-cuda11x cupy-cuda12x cupy-cuda13x",
    "xla jax tensorflow",
    "instead onnxruntime onnxruntime-gpu",
    "instead faiss-cpu faiss-gpu-cu12",
)

_ROCM = (
    "builds rocm7.2 rocm7.1 rocm7.0 rocm6.4 rocm6.3 rocm6.2.4 rocm6.2 rocm6.1 rocm6.0",
    "device /dev/kfd and /dev/dri",
)

_NEURON = (
    "torch cpu",
    (
        "index https://pip.repos.neuron.amazonaws.com torch-neuronx neuronx-cc libneuronxla "
        "neuronx-distributed neuronx-distributed-training torch-neuron neuron-cc "
        "transformers-neuronx jax-neuronx"
    ),
    "device /dev/neuron0",
    "expects torch-neuronx jax-neuronx torch-neuron neuronx-cc",
)

_TPU = (
    "torch cpu",
    "extra - jax tpu libtpu",
    "extra - torch-xla tpu libtpu",
    "expects jax torch-xla tensorflow-tpu",
)


class Accelerator:
    """One word that says what computes.

    Attributes:
        name: the word.
        about: what it is, for people.
        rules: what pip has to do, one instruction a line.
        versions: the versions that may stand behind it; empty for none.
        architectures: of the image; empty for any.
    """

    __slots__ = ("about", "architectures", "name", "rules", "versions")

    def __init__(
        self,
        name: str,
        about: str,
        rules: tuple[str, ...],
        *,
        versions: tuple[str, ...] = (),
        architectures: tuple[str, ...] = (),
    ) -> None:
        self.name = name
        self.about = about
        self.rules = (*rules, *_ALWAYS) if name == "neuron" else (*rules, _NO_NEURON, *_ALWAYS)
        self.versions = versions
        self.architectures = architectures


ACCELERATORS = {
    each.name: each
    for each in (
        Accelerator("cpu", "no accelerator", _CPU),
        Accelerator(
            "cuda",
            "NVIDIA GPUs",
            _CUDA,
            versions=(
                *("11.8", "12.1", "12.4", "12.6", "12.8", "12.9", "13.0", "13.2"),
                *("11", "12", "13"),
            ),
        ),
        Accelerator(
            "rocm",
            "AMD GPUs",
            _ROCM,
            versions=(
                *("6.0", "6.1", "6.2", "6.2.4", "6.3", "6.4", "7.0", "7.1", "7.2"),
                *("6", "7"),
            ),
            architectures=("amd64",),
        ),
        Accelerator("xpu", "Intel GPUs", ("builds xpu",), architectures=("amd64",)),
        Accelerator("coral", "Coral Edge TPU", _CORAL),
        Accelerator("tpu", "Google Cloud TPU", _TPU, architectures=("amd64",)),
        Accelerator("neuron", "AWS Inferentia and Trainium", _NEURON, architectures=("amd64",)),
    )
}

ARCHITECTURES = ("amd64", "arm64")

# Word → the word it stands for, and why.
ALIASES = {
    "aws": ("cuda", "the GPUs of AWS are NVIDIA's; `neuron` is Inferentia and Trainium"),
    "gpu": ("cuda", "NVIDIA's, unless it says `rocm` or `xpu`"),
    "nvidia": ("cuda", "NVIDIA GPUs"),
    "amd-gpu": ("rocm", "AMD GPUs"),
    "intel-gpu": ("xpu", "Intel GPUs"),
    "edgetpu": ("coral", "the Edge TPU is Coral's"),
    "edge-tpu": ("coral", "the Edge TPU is Coral's"),
    "gcp-tpu": ("tpu", "Google Cloud's TPU"),
    "cloud-tpu": ("tpu", "Google Cloud's TPU"),
    "inferentia": ("neuron", "AWS's own chips"),
    "trainium": ("neuron", "AWS's own chips"),
    "m1": ("arm64", "containers on Apple silicon are linux/arm64, and never see its GPU"),
    "m2": ("arm64", "containers on Apple silicon are linux/arm64, and never see its GPU"),
    "m3": ("arm64", "containers on Apple silicon are linux/arm64, and never see its GPU"),
    "m4": ("arm64", "containers on Apple silicon are linux/arm64, and never see its GPU"),
    "apple-silicon": ("arm64", "containers on Apple silicon are linux/arm64, never seeing its GPU"),
    "graviton": ("arm64", "AWS's processors"),
    "aarch64": ("arm64", "the same by another name"),
    "x86_64": ("amd64", "the same by another name"),
    "x86-64": ("amd64", "the same by another name"),
}

# Words people write that cannot be served, and what to do about it.
REFUSED = {
    "jetson": "Jetson boards need NVIDIA's own JetPack images and wheels, which no general run "
    "image can stand in for; write `cuda:12.6 arm64` and name NVIDIA's index with "
    "BP_PYTORCH_INDEX, upon a run image made from JetPack's",
    "mps": "Metal is macOS's, and containers run Linux; write `m1`, which is linux/arm64 on its "
    "processor cores",
    "metal": "Metal is macOS's, and containers run Linux; write `m1`, which is linux/arm64 on its "
    "processor cores",
    "none": "write `cpu`",
}
