"""What comes in from clients: events, impressions and imported files. Above serving, as it publishes what serving reads."""
