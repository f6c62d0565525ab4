"""What a Python app declares: requirements files, projects, locks."""
