"""Measurements: `cnbkit build` beside `docker build`, and how fast detect starts."""
