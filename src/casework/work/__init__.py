"""The way of a request: doorway, unit of work, outbox, idempotency."""
