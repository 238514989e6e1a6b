"""A publish/subscribe broker of lines: SUB topic, UNSUB topic, PUB topic text.

netwright serve examples/broker.py, then: nc 127.0.0.1 7000
"""

from collections import defaultdict

from netwright import Service, Stream

service = Service("broker")
subscribers: defaultdict[bytes, set[Stream]] = defaultdict(set)


@service.tcp("127.0.0.1:7000")
async def client(stream: Stream) -> None:
    """Serve one client; its topics are forgotten when it leaves."""
    topics: set[bytes] = set()
    try:
        async for line in stream.lines(limit=64 * 1024):
            verb, _, rest = line.partition(b" ")
            topic, _, text = rest.partition(b" ")
            stream.subject = f"{verb.decode(errors='replace')} {topic.decode(errors='replace')}"
            match verb:
                case b"SUB":
                    topics.add(topic)
                    subscribers[topic].add(stream)
                    await stream.send(b"OK\n")
                case b"UNSUB":
                    forget(stream, topic)
                    topics.discard(topic)
                    await stream.send(b"OK\n")
                case b"PUB":
                    await stream.send(b"OK %d\n" % publish(topic, text))
                case _:
                    await stream.send(b"ERR SUB, UNSUB or PUB expected\n")
    finally:
        for topic in topics:
            forget(stream, topic)


def publish(topic: bytes, text: bytes) -> int:
    """Queue the text for every subscriber; one that does not read ends itself, not the publisher."""
    message = b"MSG %s %s\n" % (topic, text)
    return sum(member.post(message) for member in list(subscribers.get(topic, ())))


def forget(stream: Stream, topic: bytes) -> None:
    """Remove a subscriber, and a topic without any."""
    subscribers[topic].discard(stream)
    if not subscribers[topic]:
        del subscribers[topic]
