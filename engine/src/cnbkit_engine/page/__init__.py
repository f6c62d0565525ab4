"""HTML pages that are one file: nothing is fetched, nothing runs."""
