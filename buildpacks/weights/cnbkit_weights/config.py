"""What may be set."""

from __future__ import annotations

from cnbkit import Config, Option

__all__ = ["Options"]


class Options(Config):
    """What people may set."""

    hf_endpoint = Option.text(
        "BP_WEIGHTS_HF_ENDPOINT",
        help="Address of a mirror of the Hugging Face hub; else `HF_ENDPOINT`, else the hub itself",
        secret=True,  # it may hold a login, if only to be refused
    )
    s3_endpoint = Option.text(
        "BP_WEIGHTS_S3_ENDPOINT",
        help="Address of another S3 service, such as MinIO's; buckets are looked for below it",
        secret=True,
    )
    gs_endpoint = Option.text(
        "BP_WEIGHTS_GS_ENDPOINT",
        help="Address that stands in for Google Cloud Storage's",
        secret=True,
    )
    cache = Option.flag(
        "BP_WEIGHTS_CACHE",
        help="Keep the files in the build cache, too: for hooks that read them while building",
    )
