"""The examples of commands' ``--help``, but for those that hold their own; tests run every line."""

__all__ = ["EXAMPLES"]

EXAMPLES = {
    "serve": (
        "netwright serve app.py",
        "netwright serve package.module:make_app",
        "netwright serve app.py --bind 0.0.0.0:8080 --no-console",
        "netwright serve app.py --records closed.jsonl --drain 30",
    ),
    "top": (
        "netwright top",
        "netwright top --filter 'svc:http rtt>100' --sort -age",
        "netwright top --json",
    ),
    "demo": (
        "netwright demo",
        "netwright demo --size 5M --rate 20M --loss 1% --congestion reno",
        "netwright demo --pcap demo.pcapng --picture demo.html",
    ),
    "doctor": ("netwright doctor", "netwright doctor --json"),
    "explain": ("netwright explain NW-BIND-IN-USE", "netwright explain"),
    "completion": ('eval "$(netwright completion bash)"', "netwright completion fish | source"),
}
