"""Says what computes: the same source on a laptop, in a CPU image and on a GPU node."""

import torch


def main() -> None:
    """Print framework, build and device."""
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
    built_for = f"CUDA {torch.version.cuda}" if torch.version.cuda else "cpu"
    print(f"torch {torch.__version__}, built for {built_for}, runs on {device}")


if __name__ == "__main__":
    main()
