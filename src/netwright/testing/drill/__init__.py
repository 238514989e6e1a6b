"""Drill: dialogues with a TCP endpoint, written in the language of packetdrill (Cardwell et al., USENIX ATC 2013)."""
