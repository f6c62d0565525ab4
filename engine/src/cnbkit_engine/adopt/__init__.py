"""From a Dockerfile to the files that replace it."""
