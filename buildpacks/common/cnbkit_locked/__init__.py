"""What a lock says of its packages, before anything has read it for real."""
