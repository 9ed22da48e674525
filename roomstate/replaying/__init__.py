"""Posting recorded calls to a running ingest, and comparing what it answers with what was recorded."""
