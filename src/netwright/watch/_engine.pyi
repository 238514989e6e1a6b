from netwright.watch.engine import Engine as Engine
