"""From what is wanted to packages with one file each."""
