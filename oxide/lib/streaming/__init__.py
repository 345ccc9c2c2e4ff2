"""Helpers for streams: events with snapshots, and what they come to."""
