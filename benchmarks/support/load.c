// Load generator: one thread, one epoll, level-triggered.  load MODE PORT CONNECTIONS SIZE SECONDS COUNT
//
// echo    each connection sends one line of SIZE bytes, waits for all of it, sends the next
// pipe    each connection sends lines of SIZE bytes, 64 KiB a call, as fast as they are taken; nothing is read
// accept  connect, one byte there and back, RST (no TIME_WAIT), next; CONNECTIONS at a time
// hold    every connection echoes one line, then all stay open until stdin ends; a byte on it: COUNT echoes more
// get     as hold, but it sends a GET and waits for SIZE bytes: the size of every response must be known
//
// It ends after SECONDS or after COUNT messages (0: no such bound), and prints one JSON object (hold: one a step).
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BLOCK = 1 << 16, BIGGEST = 1 << 20, EVENTS = 512, LATENCIES = 1 << 22 };

typedef struct {
    int fd;
    size_t sent, got;
    double started;
} Connection;

static struct sockaddr_in server = {.sin_family = AF_INET};
static char block[BIGGEST + BLOCK], sink[BIGGEST];
static float latency[LATENCIES];
static size_t size, answer, bytes;
static long messages, asked, errors, count;
static int epoll;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static void die(const char *what) {
    perror(what);
    exit(1);
}

static void watch(int operation, Connection *c, unsigned events) {
    struct epoll_event e = {.events = events, .data.ptr = c};
    if (epoll_ctl(epoll, operation, c->fd, &e)) die("epoll_ctl");
}

static void open_blocking(Connection *c, unsigned events) {
    int one = 1;
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (c->fd < 0 || connect(c->fd, (void *)&server, sizeof server)) die("connect");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    watch(EPOLL_CTL_ADD, c, events);
}

static void open_reset_at_close(Connection *c) {
    struct linger reset = {1, 0};
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    if (connect(c->fd, (void *)&server, sizeof server) && errno != EINPROGRESS) die("connect");
    c->sent = 0;
    watch(EPOLL_CTL_ADD, c, EPOLLOUT);
}

static void send_rest(Connection *c) {
    ssize_t n = send(c->fd, block + c->sent, size - c->sent, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN) die("send");
    c->sent += n > 0 ? n : 0;
    if (c->sent < size) watch(EPOLL_CTL_MOD, c, EPOLLIN | EPOLLOUT);
}

static void ask(Connection *c) {
    if (count && asked == count) return;
    asked++;
    c->sent = c->got = 0;
    c->started = now();
    send_rest(c);
}

static void echo(Connection *c, unsigned events) {
    if (events & EPOLLOUT && c->sent < size) {
        watch(EPOLL_CTL_MOD, c, EPOLLIN);
        send_rest(c);
    }
    if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR))) return;
    ssize_t n = recv(c->fd, sink, sizeof sink, 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) die("server closed");
    bytes += n;
    c->got += n;
    if (c->got < answer) return;
    latency[messages++ % LATENCIES] = now() - c->started;
    ask(c);
}

static void pipe_lines(Connection *c, unsigned events) {
    (void)events;
    ssize_t n = send(c->fd, block + c->sent, BLOCK, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN) die("send");
    if (n <= 0) return;
    bytes += n;
    c->sent = (c->sent + n) % size;  // go on in the middle of the line that was cut
    messages = bytes / size;
}

static void accept_one(Connection *c, unsigned events) {
    (void)events;
    if (!c->sent) {
        c->sent = 1;
        if (send(c->fd, "\n", 1, MSG_NOSIGNAL) == 1) {
            watch(EPOLL_CTL_MOD, c, EPOLLIN);
            return;
        }
        errors++;
    } else if (recv(c->fd, sink, 16, 0) == 1) {
        messages++;
    } else {
        errors++;
    }
    close(c->fd);
    open_reset_at_close(c);
}

static int by_value(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static void report(double seconds, int connections) {
    size_t n = messages < LATENCIES ? messages : LATENCIES;
    qsort(latency, n, sizeof *latency, by_value);
    printf("{\"messages\": %ld, \"bytes\": %zu, \"seconds\": %.6f, \"connections\": %d, \"errors\": %ld, "
           "\"p50\": %.9f, \"p99\": %.9f}\n",
           messages, bytes, seconds, connections, errors, n ? latency[n / 2] : 0, n ? latency[n * 99 / 100] : 0);
    fflush(stdout);
}

static void run(void (*step)(Connection *, unsigned), double seconds) {
    struct epoll_event ready[EVENTS];
    double end = seconds > 0 ? now() + seconds : 1e300;
    while (now() < end && (!count || messages < count)) {
        int n = epoll_wait(epoll, ready, EVENTS, 100);
        for (int i = 0; i < n; i++) step(ready[i].data.ptr, ready[i].events);
    }
}

static void echo_all(Connection *all, int connections, double seconds) {
    for (Connection *c = all; c < all + connections; c++) ask(c);
    run(echo, seconds);
}

int main(int argc, char **argv) {
    if (argc != 7) return fprintf(stderr, "load MODE PORT CONNECTIONS SIZE SECONDS COUNT\n"), 2;
    const char *mode = argv[1];
    int connections = atoi(argv[3]);
    server.sin_port = htons(atoi(argv[2]));
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    size = answer = atol(argv[4]);
    count = atol(argv[6]);
    if (size < 1 || size > BIGGEST || connections < 1) return fprintf(stderr, "1 to 1 MiB, 1 connection or more\n"), 2;
    memset(block, 'x', sizeof block);
    for (size_t i = size - 1; i < sizeof block; i += size) block[i] = '\n';
    if (!strcmp(mode, "get")) {
        const char request[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        size = sizeof request - 1;
        memcpy(block, request, size);
        mode = "hold";
    }
    epoll = epoll_create1(EPOLL_CLOEXEC);
    Connection *all = calloc(connections, sizeof *all);
    double begin = now(), seconds = atof(argv[5]);
    if (!strcmp(mode, "accept")) {
        for (Connection *c = all; c < all + connections; c++) open_reset_at_close(c);
        run(accept_one, seconds);
    } else if (!strcmp(mode, "pipe")) {
        for (Connection *c = all; c < all + connections; c++) open_blocking(c, EPOLLOUT);
        run(pipe_lines, seconds);
    } else {
        long more = count;
        if (!strcmp(mode, "hold")) count = connections;
        for (Connection *c = all; c < all + connections; c++) open_blocking(c, EPOLLIN);
        echo_all(all, connections, seconds);
        while (!strcmp(mode, "hold")) {
            report(now() - begin, connections);
            if (read(0, sink, 1) != 1) return 0;
            begin = now(), messages = asked = bytes = 0, count = more;
            echo_all(all, connections, seconds);
        }
    }
    report(now() - begin, connections);
    return 0;
}
