"""netwright: build networked programs, run them, watch them, break them."""
