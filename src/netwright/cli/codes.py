"""A page for each error code: cause, evidence, fix."""

from dataclasses import dataclass

from netwright.run.problem import Code

__all__ = ["PAGES", "Page"]


@dataclass(frozen=True, slots=True)
class Page:
    """``evidence`` is what the message shows, and the command that shows it independently."""

    title: str
    cause: str
    evidence: str
    fix: str


PAGES = {
    Code.USAGE: Page(
        "wrong command line",
        "An option, an argument or a command does not exist, or its value is not allowed.",
        "The message names the option and the values that are allowed.",
        "netwright COMMAND --help lists the options, with examples.",
    ),
    Code.INPUT: Page(
        "input that cannot be used",
        "A file or a value has the wrong form: a file that is not a capture, a size out of range.",
        "The message quotes what was found; watch names the byte.",
        "Correct the input; file FILE says what kind of file it is.",
    ),
    Code.OUTPUT: Page(
        "output cannot be written",
        "Standard output refuses what is written: its disk is full, or its terminal is gone.",
        "The message has the system's reason; df shows the space left.",
        "Free space, or send the output elsewhere.",
    ),
    Code.UNREACHABLE: Page(
        "a file or a machine cannot be reached",
        "A file cannot be read or written, or nobody answers at an address.",
        "The message has the path or the address, and the system's reason.",
        "Check the name, the permissions (ls -l) or the address (ss -ltn).",
    ),
    Code.APP_NOT_FOUND: Page(
        "no such program",
        "serve was given a file or a module that does not exist, or a folder.",
        "The message says where it was looked for.",
        "Run the command that the message proposes, or name another file.",
    ),
    Code.APP_LOAD: Page(
        "the program does not load",
        "Importing the program raised an error, ended the process, or its syntax is wrong.",
        "The message has the file, the line and its text; python FILE shows the whole traceback.",
        "Correct that line.  Code that serves belongs under: if __name__ == '__main__':",
    ),
    Code.APP_NAME: Page(
        "no App under that name",
        "The program has no App or Service; or several, none of them named app; or none of the given name.",
        "The message lists what was found.",
        "Name the attribute, or a function without parameters that returns an App: netwright serve app.py:make_app",
    ),
    Code.APP_EMPTY: Page(
        "nothing to serve",
        "A Service without a TCP port, or an App that was started with --no-http and has none.",
        "Nothing was bound.",
        "Add a port with @app.tcp(9000), or drop --no-http.",
    ),
    Code.BIND_IN_USE: Page(
        "address in use",
        "Another process listens on this address (EADDRINUSE, bind(2)).",
        "The message names its pid, command and age; ss -ltnp lists all listeners.",
        "Run the proposed command, which takes a free port, or stop the other process: kill PID",
    ),
    Code.BIND_DENIED: Page(
        "address not permitted",
        "Ports below net.ipv4.ip_unprivileged_port_start, usually 1024, need root or CAP_NET_BIND_SERVICE (EACCES).",
        "sysctl net.ipv4.ip_unprivileged_port_start shows the first port that needs no privilege.",
        "Take a port of 1024 or above, or put a reverse proxy in front.",
    ),
    Code.BIND_NO_ADDRESS: Page(
        "address not of this machine",
        "No network interface has this address (EADDRNOTAVAIL, bind(2)).",
        "ip address lists the addresses that can be bound.",
        "Bind one of those, or 0.0.0.0 for all of IPv4.",
    ),
    Code.BIND_FAILED: Page(
        "address cannot be bound",
        "The system refused the address for another reason: a missing folder, a path that is a file, no descriptors.",
        "The message has the system's reason.",
        "Follow the message; ulimit -n shows the limit of descriptors.",
    ),
    Code.START_FAILED: Page(
        "a start hook failed",
        "A function under @app.on_start raised an error; nothing was served.",
        "The message has the hook, the error and the line of your file.",
        "Correct the hook, or what it needs: often a database that is not up yet.",
    ),
    Code.START_SLOW: Page(
        "a start hook did not return",
        "A function under @app.on_start took longer than hook_timeout (10 s by default).",
        "While it ran, the log named it and the seconds so far.",
        "Make it quicker, do slow work in a task, or allow more: App(hook_timeout=60)",
    ),
    Code.CONSOLE_IN_USE: Page(
        "the console's address is taken",
        "The address given with --console is held by a program that is not a netwright console.",
        "The message names the holder; ss -ltnp lists all listeners.",
        "--console 127.0.0.1:0 takes a free port, --no-console starts none.",
    ),
    Code.CONSOLE_FOLDER: Page(
        "no private folder for the console's socket",
        "Program and console talk over a Unix socket in a folder that only you can reach. XDG_RUNTIME_DIR and TMPDIR "
        "are missing, belong to another user, are not writable, or make too long a path (107 bytes, unix(7)).",
        "The message has the reason for each folder that was tried; ls -ld FOLDER shows owner and mode.",
        "Set XDG_RUNTIME_DIR to a folder of yours with mode 700.  The service runs meanwhile.",
    ),
    Code.CONSOLE_FAILED: Page(
        "the console does not start",
        "The console's process ended before it was ready.  The service goes on and tries again, up to once a minute.",
        "The message has the last line of console.log, which lies in the folder of the console's socket.",
        "Remove the cause that the line names, or serve with --no-console.",
    ),
    Code.CONSOLE_SILENT: Page(
        "no answer from the console",
        "serve: the console was started and has not answered within 5 s.  top: nobody listens at the address.",
        "ss -ltnp shows whether it listens; console.log has its messages.",
        "Wait, or start one: netwright serve app.py.  top --console names another address.",
    ),
    Code.CONSOLE_REFUSED: Page(
        "the console refused the question",
        "A filter or a column does not exist, or the token is wrong or missing.",
        "The message is the console's own answer.",
        "Correct the filter; the token is part of the URL that serve prints: top --token TOKEN",
    ),
    Code.RECORDS: Page(
        "records cannot be kept",
        "The file of --records cannot be opened for appending.",
        "The message has the path and the system's reason.",
        "Name a file in a folder that exists and that you may write.",
    ),
    Code.TERMINAL: Page(
        "no live screen",
        "This system has no termios, which top needs to read keys.",
        "python -c 'import termios' fails.",
        "netwright top --once, in a loop.",
    ),
}
