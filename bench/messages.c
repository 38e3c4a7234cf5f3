/* The load client for WebSocket workloads: many connections, each with one message under way.
 *
 *   messages PORT PATH CONNECTIONS SIZE SECONDS WARM_UP_SECONDS
 *
 * Connects, upgrades, sends a binary message of SIZE bytes on every connection, and sends it again whenever it has come
 * back whole. With the path /broadcast the first connection alone sends, and sends again when all of them have received
 * the message whole. Every byte that comes is compared. After WARM_UP_SECONDS it prints "warm" and waits for a
 * line; SECONDS later it prints one line of JSON: messages received, and how long after they were sent. Any error is a
 * line on stderr and status 1.
 *
 * wrk knows no WebSocket, and a client in Python is slower than the servers: they would wait for it, and to be woken
 * for each message costs a server more than the message.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client.h"

enum { EVENTS = 256, READ_BYTES = 1 << 18, HEAD_BYTES_MAX = 14, ANSWER_TIMEOUT_MS = 5000 };

typedef struct {
    int fd;
    size_t sent, received;
    double sent_at;
} connection;

static const char handshake[] =
    "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

static connection *all;
static int count, broadcasts, missing; /* how many have not received the message yet */
static char *request, *answer;
static size_t request_len, answer_len;
static double *latencies;
static size_t latency_count, latency_max = 1 << 20;

static size_t put_head(char *out, size_t size, int masked)
{
    size_t bytes = size < 126 ? 0 : size < 65536 ? 2 : 8;
    out[0] = (char)0x82;
    out[1] = (char)((masked ? 0x80 : 0) | (bytes == 0 ? (int)size : bytes == 2 ? 126 : 127));
    for (size_t i = 0; i < bytes; i++)
        out[2 + i] = (char)(size >> 8 * (bytes - 1 - i));
    return 2 + bytes;
}

static void make_message(size_t size)
{
    static const char key[4] = {0x12, 0x34, 0x56, 0x78};
    request = malloc(HEAD_BYTES_MAX + size);
    answer = malloc(HEAD_BYTES_MAX + size);
    latencies = malloc(latency_max * sizeof *latencies);
    if (request == NULL || answer == NULL || latencies == NULL)
        fail("memory");
    request_len = put_head(request, size, 1);
    memcpy(request + request_len, key, 4);
    request_len += 4;
    answer_len = put_head(answer, size, 0);
    for (size_t i = 0; i < size; i++) {
        char byte = (char)('a' + i % 26);
        request[request_len++] = byte ^ key[i % 4];
        answer[answer_len++] = byte;
    }
}

static int upgraded(int port, const char *path)
{
    char head[4096];
    size_t len = 0;
    int fd = connected(port), asked = snprintf(head, sizeof head, handshake, path);
    if (send(fd, head, (size_t)asked, 0) != asked)
        fail("handshake");
    while (len < 4 || memcmp(head + len - 4, "\r\n\r\n", 4) != 0) {
        if (len == sizeof head || recv(fd, head + len, 1, 0) != 1)
            fail("handshake");
        len++;
    }
    if (memcmp(head, "HTTP/1.1 101 ", 13) != 0)
        fail("the server does not upgrade");
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

/* Sends what the socket takes, and asks to hear when it takes more. */
static void send_on(int epoll, connection *c)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    int waited = c->sent > 0 && c->sent < request_len;
    while (c->sent < request_len) {
        ssize_t sent = send(c->fd, request + c->sent, request_len - c->sent, MSG_NOSIGNAL);
        if (sent < 0 && errno == EAGAIN) {
            event.events |= EPOLLOUT;
            epoll_ctl(epoll, EPOLL_CTL_MOD, c->fd, &event);
            errno = 0;
            return;
        }
        if (sent < 0)
            fail("send");
        c->sent += (size_t)sent;
    }
    if (waited)
        epoll_ctl(epoll, EPOLL_CTL_MOD, c->fd, &event);
}

/* Whether the message has come back. */
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
    if ((size_t)got > answer_len - c->received || memcmp(buffer, answer + c->received, (size_t)got) != 0)
        fail("the answer is not what was sent");
    c->received += (size_t)got;
    return c->received == answer_len;
}

/* The message again, from whoever sends now: `c` has received it. */
static void send_again(int epoll, connection *c, double now)
{
    c->received = 0;
    if (broadcasts && --missing > 0)
        return;
    missing = count;
    if (broadcasts)
        c = all;
    c->sent = 0;
    c->sent_at = now;
    send_on(epoll, c);
}

static uint64_t run(int epoll, double seconds)
{
    struct epoll_event events[EVENTS];
    uint64_t messages = 0;
    double end = now_s() + seconds;
    latency_count = 0;
    for (double now = now_s(); now < end; now = now_s()) {
        int ready = epoll_wait(epoll, events, EVENTS, ANSWER_TIMEOUT_MS);
        if (ready == 0)
            fail("no answer in time");
        for (int i = 0; i < ready; i++) {
            connection *c = events[i].data.ptr;
            if (events[i].events & EPOLLOUT)
                send_on(epoll, c);
            if (!(events[i].events & ~(uint32_t)EPOLLOUT) || !receive(c))
                continue;
            messages++;
            now = now_s();
            if (latency_count < latency_max)
                latencies[latency_count++] = now - (broadcasts ? all : c)->sent_at;
            send_again(epoll, c, now);
        }
    }
    return messages;
}

int main(int argc, char **argv)
{
    if (argc != 7)
        fail("usage: messages PORT PATH CONNECTIONS SIZE SECONDS WARM_UP_SECONDS");
    int epoll = epoll_create1(0);
    broadcasts = strcmp(argv[2], "/broadcast") == 0;
    count = missing = atoi(argv[3]);
    all = calloc((size_t)count, sizeof *all);
    if (epoll < 0 || all == NULL)
        fail("epoll");
    make_message((size_t)atol(argv[4]));
    for (int i = 0; i < count; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &all[i]};
        all[i].fd = upgraded(atoi(argv[1]), argv[2]);
        epoll_ctl(epoll, EPOLL_CTL_ADD, all[i].fd, &event);
    }
    for (int i = 0; i < (broadcasts ? 1 : count); i++) {
        all[i].sent_at = now_s();
        send_on(epoll, &all[i]);
    }
    run(epoll, atof(argv[6]));
    puts("warm");
    fflush(stdout);
    if (getchar() == EOF) /* whoever reads the server's clock needs the core that this program has filled */
        fail("no line to go on");
    double begun = now_s();
    uint64_t messages = run(epoll, atof(argv[5]));
    double duration = now_s() - begun;
    qsort(latencies, latency_count, sizeof *latencies, by_size);
    printf("{\"messages\": %llu, \"duration_s\": %.6f, \"p50_ms\": %.4f, \"p99_ms\": %.4f}\n",
           (unsigned long long)messages, duration, percentile_ms(latencies, latency_count, 50),
           percentile_ms(latencies, latency_count, 99));
    return messages > 0 ? 0 : 1;
}
