"""Tests import each buildpack's module by its name; the folders follow from the descriptors."""

from tests.source_roots import put_on_path

put_on_path()
