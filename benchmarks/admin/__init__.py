"""What `./run bench admin` is made of."""
