"""What every layer stands on: errors by culprit, addresses, the record of a connection, tuning profiles."""
