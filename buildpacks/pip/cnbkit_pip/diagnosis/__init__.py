"""What is wrong, and what to change: from what programs say and what an index has."""
