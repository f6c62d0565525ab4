"""From a buildpack's source folder to what the lifecycle executes, and to packages."""
