"""Lesson 2: a thread for each client with socketserver; lines come back in capitals."""

import socketserver
import sys
import threading


class UpperHandler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        print(threading.current_thread().name, "serves", self.client_address, flush=True)
        for line in self.rfile:
            self.wfile.write(line.upper())


class ThreadedServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


def main() -> None:
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 10000
    with ThreadedServer(("localhost", port), UpperHandler) as server:
        print("starting up on localhost port", server.server_address[1], flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
