"""One bulk TCP flow over a lossy path in our simulator, the scenario of ns3_tcp.cc; prints the same JSON line and more.

python -m benchmarks.support.simulate SECONDS LOSS BUFFER CONTROL
"""

import json
import sys
import time

from netwright._native import compiled
from netwright.proto.tcp.settings import Settings
from netwright.sim.link import Path
from netwright.sim.pair import Pair, send_all

DELAY, RATE = 0.01, 1e9  # seconds one way, bits per second


def main(seconds: float, loss: float, buffer: int, congestion: str) -> None:
    """Run, then say how many packets there were and what they cost."""
    settings = Settings(send_buffer=buffer, receive_buffer=buffer, congestion=congestion)
    there, back = Path(delay=DELAY, rate=RATE, loss=loss), Path(delay=DELAY, rate=RATE)
    pair = Pair(client=settings, server=settings, there=there, back=back, seed=1)
    pair.client.program = send_all(None)
    began = time.process_time()
    pair.run(until=seconds)
    spent = time.process_time() - began
    on = bool(compiled())
    result = {"packets": pair.packets, "received": pair.server.received, "cpu": spent, "compiled": on}
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main(float(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
