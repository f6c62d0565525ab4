"""For all tests."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# How long an example takes says more about the machine than about the code.
settings.register_profile(
    "cnbkit", deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("cnbkit")

# Emulated, the first take longer than all others together: `make test-arm64`. The second download
# gigabytes: `make test-nightly`.
collect_ignore = ["arm64", "nvidia"]
