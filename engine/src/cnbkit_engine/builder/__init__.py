"""From builder.toml to a folder of buildpacks or a builder image."""
