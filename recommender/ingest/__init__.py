"""Ingestion: events, impressions and imported files that clients send."""
