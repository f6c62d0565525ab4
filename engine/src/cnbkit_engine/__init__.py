"""Packages and builders of Cloud Native Buildpacks, builds without a container engine, the `cnbkit` command."""
