"""Fits a line with JAX, on whatever this image and machine have: TPU, GPU or CPU."""

import jax
import jax.numpy as jnp

STEPS, RATE = 500, 0.1
TRUTH = jnp.array([2.0, -1.0, 0.5])


def loss(weights: jax.Array, x: jax.Array, y: jax.Array) -> jax.Array:
    return jnp.mean((x @ weights - y) ** 2)


@jax.jit
def step(weights: jax.Array, x: jax.Array, y: jax.Array) -> jax.Array:
    return weights - RATE * jax.grad(loss)(weights, x, y)


def main() -> None:
    devices = jax.devices()
    print(f"{len(devices)} {devices[0].platform} device(s)")
    x = jax.random.normal(jax.random.key(0), (512, TRUTH.size))
    y = x @ TRUTH
    weights = jnp.zeros(TRUTH.size)
    for _ in range(STEPS):
        weights = step(weights, x, y)
    print("weights", [round(float(each), 3) for each in weights])


if __name__ == "__main__":
    main()
