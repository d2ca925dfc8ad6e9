"""One question per module; no method imports another."""
