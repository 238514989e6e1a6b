"""Lesson 1: a TCP client that sends one message and waits until all of it came back."""

import socket
import sys

MESSAGE = b"This is the message.  It will be repeated."


def main() -> None:
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 10000
    sock = socket.create_connection(("localhost", port))
    try:
        print(f"sending {MESSAGE!r}")
        sock.sendall(MESSAGE)
        received = 0
        while received < len(MESSAGE):
            data = sock.recv(16)
            if not data:
                break
            received += len(data)
            print(f"received {data!r}")
    finally:
        print("closing socket")
        sock.close()


if __name__ == "__main__":
    main()
