"""The network and the machines on it, simulated: links, faults, hosts; in virtual time and from a seed."""
