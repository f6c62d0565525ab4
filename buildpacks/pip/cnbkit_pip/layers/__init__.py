"""Fill the packages' layers and the environment that ties them together."""
