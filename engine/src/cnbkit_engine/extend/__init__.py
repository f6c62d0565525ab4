"""Carry out what image extensions ask for: change the build and the run image by Dockerfiles."""
