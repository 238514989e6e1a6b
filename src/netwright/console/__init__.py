"""The live page of every connection: a process of its own, fed by serving processes over a Unix socket."""
