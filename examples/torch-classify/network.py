"""The network, and where it computes."""

import torch


class Moons(torch.nn.Sequential):
    """Two coordinates in, two scores out."""

    def __init__(self) -> None:
        super().__init__(torch.nn.Linear(2, 32), torch.nn.ReLU(), torch.nn.Linear(32, 2))


def device() -> torch.device:
    """The GPU where image and host have one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
