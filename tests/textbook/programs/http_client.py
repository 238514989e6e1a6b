"""Lesson 6: each HTTP method in turn on one kept connection, with headers of our own."""

import http.client
import sys


def main() -> None:
    port, *steps = sys.argv[1:]
    connection = http.client.HTTPConnection("localhost", int(port), timeout=10)
    for step in steps:
        method, path, body = [*step.split(" ", 2), ""][:3]
        connection.request(method, path, body=body or None, headers={"X-Lesson": "6", "Content-Type": "text/plain"})
        response = connection.getresponse()
        text = response.read().decode()
        print(method, path, response.status, response.reason, response.getheader("X-Lesson"), repr(text), flush=True)
    connection.close()


if __name__ == "__main__":
    main()
