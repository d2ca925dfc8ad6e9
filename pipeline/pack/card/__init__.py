"""The two sides of a conversation card; `pipeline.pack.cards` makes the cards of a session."""
