"""Learns which of two moons a point lies on; writes the model to $MODEL (model.pt if unset)."""

import math
import os
from pathlib import Path

import torch
from network import Moons, device


def points(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Points on two half circles that reach into each other, and which one each lies on."""
    generator = torch.Generator().manual_seed(1)
    moon = torch.arange(count) % 2
    angle = math.pi * torch.rand(count, generator=generator)
    x = torch.where(moon == 0, angle.cos(), 1 - angle.cos())
    y = torch.where(moon == 0, angle.sin(), 0.5 - angle.sin())
    noise = 0.1 * torch.randn(count, 2, generator=generator)
    return torch.stack([x, y], dim=1) + noise, moon


def main() -> None:
    torch.manual_seed(1)
    where = device()
    x, moon = (each.to(where) for each in points(1000))
    model = Moons().to(where)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(300):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(x), moon).backward()
        optimizer.step()
    right = (model(x).argmax(dim=1) == moon).float().mean().item()
    path = Path(os.environ.get("MODEL", "model.pt"))
    torch.save(model.state_dict(), path)
    print(f"trained on {where}: {right:.0%} right, written to {path}")


if __name__ == "__main__":
    main()
