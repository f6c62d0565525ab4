"""Package, check and run Cloud Native Buildpacks; the `cnbkit` command."""
