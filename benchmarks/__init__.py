"""One file a claim; each prints one JSON line {name, ours, peer, ratio, goal, met, machine} and exits 0 when met."""
