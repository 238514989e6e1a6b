"""The base of every layer: errors by culprit, addresses, the record of a connection, tuning profiles."""
