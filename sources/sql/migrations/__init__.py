"""The history of the journey database's schema, the only one that is Omniloket's own."""
