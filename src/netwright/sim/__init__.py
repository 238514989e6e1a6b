"""The network and the machines on it, simulated: links, faults, hosts; in virtual time and from a seed."""

import netwright._native  # noqa: F401  # NETWRIGHT_PURE=1 takes effect before the first module of this package
