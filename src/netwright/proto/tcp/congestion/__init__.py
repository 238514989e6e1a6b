"""How fast to send: the congestion window and the controls that move it."""
