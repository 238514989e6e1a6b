// A slow path between two network namespaces: a TUN device in each, packets carried between them late.
// link PID_A PID_B DELAY RATE QUEUE     DELAY: seconds one way; RATE: bytes per second, 0 without bound; QUEUE: bytes
//
// The namespaces are those of the two processes; the devices are 10.9.0.1 and 10.9.0.2.  Prints "ready".  Needs root.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MTU = 1500, SLOTS = 1 << 14, BATCH = 64 };

typedef struct {
    double due;
    int size;
    unsigned char bytes[MTU + 4];
} Packet;

typedef struct {
    int from, to;
    double free_at;  // when the wire has sent what it was given
    long head, tail;
    Packet *slot;
} Direction;

static double delay, rate, queue;

static void die(const char *what) {
    perror(what);
    exit(1);
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static void up(const char *device, const char *address) {
    struct ifreq r = {0};
    struct sockaddr_in *a = (void *)&r.ifr_addr;
    int s = socket(AF_INET, SOCK_DGRAM, 0);
    strcpy(r.ifr_name, device);
    a->sin_family = AF_INET;
    if (address) {
        inet_pton(AF_INET, address, &a->sin_addr);
        if (ioctl(s, SIOCSIFADDR, &r)) die("address");
        inet_pton(AF_INET, "255.255.255.0", &a->sin_addr);
        if (ioctl(s, SIOCSIFNETMASK, &r)) die("netmask");
        r.ifr_qlen = 10000;
        if (ioctl(s, SIOCSIFTXQLEN, &r)) die("queue length");
    }
    memset(&r.ifr_ifru, 0, sizeof r.ifr_ifru);
    r.ifr_flags = IFF_UP | IFF_RUNNING;
    if (ioctl(s, SIOCSIFFLAGS, &r)) die("up");
    close(s);
}

static int device(const char *pid, const char *address) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%s/ns/net", pid);
    int space = open(path, O_RDONLY | O_CLOEXEC);
    if (space < 0 || setns(space, CLONE_NEWNET)) die("namespace");
    close(space);
    struct ifreq r = {.ifr_name = "slow", .ifr_flags = IFF_TUN | IFF_NO_PI};
    int tun = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (tun < 0 || ioctl(tun, TUNSETIFF, &r)) die("/dev/net/tun");
    up("lo", NULL);
    up("slow", address);
    return tun;
}

static void take(Direction *d, double t) {
    for (int i = 0; i < BATCH; i++) {
        Packet *p = d->slot + d->tail % SLOTS;
        int n = read(d->from, p->bytes, sizeof p->bytes);
        if (n <= 0) return;
        double start = d->free_at > t ? d->free_at : t;
        if (d->tail - d->head >= SLOTS - 1 || (rate > 0 && (start - t) * rate > queue)) continue;
        d->free_at = rate > 0 ? start + n / rate : t;
        p->due = d->free_at + delay;
        p->size = n;
        d->tail++;
    }
}

static double give(Direction *d, double t) {
    for (; d->head < d->tail; d->head++) {
        Packet *p = d->slot + d->head % SLOTS;
        if (p->due > t) return p->due - t;
        if (write(d->to, p->bytes, p->size) < 0) continue;  // the device is full: as lost on the way
    }
    return 1.0;
}

int main(int argc, char **argv) {
    if (argc != 6) return fprintf(stderr, "link PID_A PID_B DELAY RATE QUEUE\n"), 2;
    delay = atof(argv[3]), rate = atof(argv[4]), queue = atof(argv[5]);
    int a = device(argv[1], "10.9.0.1"), b = device(argv[2], "10.9.0.2");
    Direction there = {.from = a, .to = b}, back = {.from = b, .to = a};
    there.slot = calloc(SLOTS, sizeof(Packet)), back.slot = calloc(SLOTS, sizeof(Packet));
    puts("ready");
    fflush(stdout);
    for (;;) {
        double t = now();
        take(&there, t), take(&back, t);
        double wait = give(&there, t), other = give(&back, t);
        wait = wait < other ? wait : other;
        struct timespec pause = {wait >= 1, wait >= 1 ? 0 : wait * 1e9};
        struct pollfd ready[2] = {{a, POLLIN, 0}, {b, POLLIN, 0}};
        ppoll(ready, 2, &pause, NULL);
    }
}
