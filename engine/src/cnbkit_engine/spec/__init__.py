"""Documents of the platform side: builder.toml, package.toml, project.toml; Dockerfiles' words."""
