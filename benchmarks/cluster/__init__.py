"""What `./run bench cluster` is made of."""
