// The floor: echo or sink in C, one thread, one epoll.  epoll MODE   (MODE: echo, sink)   Prints its port.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CHUNK = 1 << 16, EVENTS = 512, ACCEPTS = 64 };

typedef struct {
    int fd;
    size_t begin, end;  // of what the kernel did not take, in `rest`
    char rest[];
} Connection;

static char chunk[CHUNK];
static int epoll;

static void watch(int operation, Connection *c, unsigned events) {
    struct epoll_event e = {.events = events, .data.ptr = c};
    epoll_ctl(epoll, operation, c->fd, &e);
}

static void drop(Connection *c) {
    close(c->fd);
    free(c);
}

static void accept_some(int listener, int room) {
    int one = 1;
    for (int i = 0; i < ACCEPTS; i++) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
        if (fd < 0) return;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        Connection *c = malloc(sizeof *c + room);
        c->fd = fd, c->begin = c->end = 0;
        watch(EPOLL_CTL_ADD, c, EPOLLIN);
    }
}

static void send_rest(Connection *c) {
    ssize_t n = send(c->fd, c->rest + c->begin, c->end - c->begin, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN) {
        drop(c);
        return;
    }
    c->begin += n > 0 ? n : 0;
    if (c->begin == c->end) watch(EPOLL_CTL_MOD, c, EPOLLIN);
}

static void serve(Connection *c, int echo) {
    if (c->begin < c->end) {
        send_rest(c);
        return;
    }
    ssize_t n = recv(c->fd, chunk, CHUNK, 0), sent;
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) {
        drop(c);
        return;
    }
    if (!echo) return;
    sent = send(c->fd, chunk, n, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) {
        drop(c);
        return;
    }
    sent = sent < 0 ? 0 : sent;
    if (sent == n) return;
    memcpy(c->rest, chunk + sent, n - sent);
    c->begin = 0, c->end = n - sent;
    watch(EPOLL_CTL_MOD, c, EPOLLOUT);
}

int main(int argc, char **argv) {
    int echo = argc > 1 && !strcmp(argv[1], "echo");
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (bind(listener, (void *)&address, length) || listen(listener, 4096)) return perror("listen"), 1;
    getsockname(listener, (void *)&address, &length);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = NULL}, ready[EVENTS];
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &e);
    for (;;) {
        int n = epoll_wait(epoll, ready, EVENTS, -1);
        for (int i = 0; i < n; i++)
            ready[i].data.ptr ? serve(ready[i].data.ptr, echo) : accept_some(listener, echo ? CHUNK : 0);
    }
}
