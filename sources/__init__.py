"""Where facts are kept: the records, the ports that every back-end answers, and the adapters behind them.

The lowest room of the house: it may import `engine`, and nothing else of ours.
"""
