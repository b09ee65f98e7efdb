"""What is known of one viewer: the profile, the household, and the taste."""
