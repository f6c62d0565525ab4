"""OCI images: on disk, in registries, as archives."""
