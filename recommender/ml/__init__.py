"""The model, its training and its ranking: ids and tensors, nothing else."""
