"""The network and the machines on it, simulated: links, faults, hosts; in virtual time and from a seed."""

from netwright._native import prefer_compiled

prefer_compiled(__name__, __path__)
