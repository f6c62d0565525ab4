"""Build and run images made of Debian packages."""
