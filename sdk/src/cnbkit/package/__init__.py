"""From a buildpack's folder to what a lifecycle executes."""
