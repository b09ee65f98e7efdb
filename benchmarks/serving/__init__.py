"""What `./run bench serving` is made of."""
