"""Everything that cannot be made again, as one file, and back: the database, and the folders of its models."""
