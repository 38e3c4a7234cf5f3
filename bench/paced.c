/* A load client that asks at a constant rate, whatever the server does.
 *
 *     paced PORT CONNECTIONS RATE SECONDS WARM_UP_SECONDS ANSWER_BYTES PATH [OTHER_PATH EVERY]
 *
 * Request i is due at i / RATE seconds; every EVERY-th one is for OTHER_PATH. Each connection carries one request at
 * a time. When none is free, or the server does not take bytes, what is due waits, and its latency counts from when
 * it was due: a server that stands still is charged with all that came due meanwhile. A client that asks again only
 * when it was answered (as wrk does) would leave those requests out, and the stall would be one slow answer.
 *
 * Each answer must be a 200 of ANSWER_BYTES bytes. Prints "warm" behind the warm-up; after SECONDS more, and when all
 * is answered, one line of JSON. Any error is a line on stderr and status 1.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client.h"

enum { EVENTS = 256, READ_BYTES = 1 << 16, REQUEST_BYTES_MAX = 1024 };

static const double SPIN_S = 0.002, DRAIN_S = 10;
static const char expected[] = "HTTP/1.1 200 ";

typedef struct {
    int fd, other;
    size_t received;
    double due;
} connection;

static connection *all, **idle;
static size_t idle_count, answer_bytes, counted, counted_max;
static double *latencies, late_max;
static char request[2][REQUEST_BYTES_MAX];
static size_t request_len[2];

/* A request is shorter than any socket's buffer, and the connection is idle: it is taken whole. */
static void ask(connection *c, double due, int other)
{
    c->due = due;
    c->other = other;
    c->received = 0;
    if (send(c->fd, request[other], request_len[other], MSG_NOSIGNAL) != (ssize_t)request_len[other])
        fail("send");
}

/* Whether the answer is whole. */
static int receive(connection *c)
{
    static char buffer[READ_BYTES];
    ssize_t got = recv(c->fd, buffer, sizeof buffer, 0);
    if (got < 0 && errno == EAGAIN) {
        errno = 0;
        return 0;
    }
    if (got <= 0)
        fail("the server closed a connection");
    size_t compared = sizeof expected - 1 - c->received;
    if (c->received < sizeof expected - 1) {
        if (compared > (size_t)got)
            compared = (size_t)got;
        if (memcmp(buffer, expected + c->received, compared) != 0)
            fail("an answer is not a 200");
    }
    c->received += (size_t)got;
    if (c->received > answer_bytes)
        fail("an answer is longer than the first one");
    return c->received == answer_bytes;
}

/* Takes what has come within `wait_ms`; answers to requests that were due from `from` on are counted. */
static size_t take(int epoll, int wait_ms, double from)
{
    struct epoll_event events[EVENTS];
    size_t answered = 0;
    int count = epoll_wait(epoll, events, EVENTS, wait_ms);
    for (int i = 0; i < count; i++) {
        connection *c = events[i].data.ptr;
        if (!receive(c))
            continue;
        if (!c->other && c->due >= from && counted < counted_max)
            latencies[counted++] = now_s() - c->due;
        idle[idle_count++] = c;
        answered++;
    }
    return answered;
}

int main(int argc, char **argv)
{
    if (argc != 8 && argc != 10)
        fail("usage: paced PORT CONNECTIONS RATE SECONDS WARM_UP_SECONDS ANSWER_BYTES PATH [OTHER_PATH EVERY]");
    int port = atoi(argv[1]), connections = atoi(argv[2]), epoll = epoll_create1(0), warm = 0;
    double rate = atof(argv[3]), seconds = atof(argv[4]), warm_up = atof(argv[5]);
    size_t total = (size_t)(rate * (seconds + warm_up)), next = 0, answered = 0;
    size_t every = argc == 10 ? (size_t)atol(argv[9]) : 0;
    answer_bytes = (size_t)atol(argv[6]);
    for (int i = 0; i < (argc == 10 ? 2 : 1); i++)
        request_len[i] = (size_t)snprintf(request[i], REQUEST_BYTES_MAX,
                                          "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n", argv[7 + i], port);
    counted_max = total;
    all = calloc((size_t)connections, sizeof *all);
    idle = calloc((size_t)connections, sizeof(connection *));
    latencies = malloc(total * sizeof *latencies);
    if (epoll < 0 || all == NULL || idle == NULL || latencies == NULL)
        fail("memory");
    for (int i = 0; i < connections; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &all[i]};
        all[i].fd = connected(port);
        fcntl(all[i].fd, F_SETFL, O_NONBLOCK);
        epoll_ctl(epoll, EPOLL_CTL_ADD, all[i].fd, &event);
        idle[idle_count++] = &all[i];
    }

    double begin = now_s(), from = begin + warm_up, drained = begin + warm_up + seconds + DRAIN_S;
    while (answered < total) {
        double now = now_s();
        if (!warm && now >= from) {
            puts("warm");
            fflush(stdout);
            warm = 1;
        }
        if (now > drained)
            fail("requests are not answered, long after they were due");
        while (next < total && begin + (double)next / rate <= now && idle_count > 0) {
            double due = begin + (double)next / rate;
            if (due >= from && now - due > late_max)
                late_max = now - due;
            ask(idle[--idle_count], due, every != 0 && next % every == every - 1);
            next++;
        }
        double pause = next < total && idle_count > 0 ? begin + (double)next / rate - now : 0.1;
        answered += take(epoll, pause < SPIN_S ? 0 : (int)(pause * 1e3) - 1, from);
    }
    double duration = now_s() - from;
    qsort(latencies, counted, sizeof *latencies, by_size);
    printf("{\"requests\": %zu, \"duration_s\": %.6f, \"p50_ms\": %.4f, \"p99_ms\": %.4f, \"p999_ms\": %.4f, "
           "\"max_ms\": %.4f, \"late_ms\": %.4f}\n",
           counted, duration, percentile_ms(latencies, counted, 50), percentile_ms(latencies, counted, 99),
           percentile_ms(latencies, counted, 99.9), percentile_ms(latencies, counted, 100), late_max * 1e3);
    return counted > 0 ? 0 : 1;
}
