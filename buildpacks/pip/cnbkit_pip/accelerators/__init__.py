"""Packages made fit for the hardware."""
