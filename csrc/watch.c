#include "watch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

static const double LOOK_S_MIN = 0.005, LOOK_S_MAX = 0.1;
static const double LOOKS_PER_THRESHOLD = 10;
static const double LOOK_WHILE_HELD_S = 0.01; /* so exact is the length of a hold that is told of */
static const double UNHEARD_THRESHOLDS = 8;   /* then the watcher speaks for itself */

enum { STACK_BYTES = 128 * 1024 };

/* The second number of schedstat: nanoseconds on a run queue (Linux, Documentation/scheduler/sched-stats). */
static double delayed_s(int schedstat)
{
    char text[96];
    ssize_t size = schedstat >= 0 ? pread(schedstat, text, sizeof text - 1, 0) : 0;
    unsigned long long on_cpu = 0, delayed_ns = 0;
    if (size <= 0)
        return 0;
    text[size] = '\0';
    return sscanf(text, "%llu %llu", &on_cpu, &delayed_ns) == 2 ? (double)delayed_ns * 1e-9 : 0;
}

/* The third field of stat (proc(5)), behind the thread's name in parentheses: R is running, or ready to. */
static int is_ready(int stat)
{
    char text[128];
    ssize_t size = stat >= 0 ? pread(stat, text, sizeof text - 1, 0) : 0;
    if (size <= 0)
        return 0;
    text[size] = '\0';
    const char *name_end = strrchr(text, ')');
    return name_end != NULL && strncmp(name_end, ") R", 3) == 0;
}

static fs_look look_at(const fs_watcher *watcher, double asked_s)
{
    const fs_watch *watch = watcher->watch;
    fs_look look = {.asked_s = asked_s};
    look.moves = __atomic_load_n(&watch->moves, __ATOMIC_ACQUIRE);
    look.in_step = __atomic_load_n(&watch->holder, __ATOMIC_RELAXED) != NULL;
    __atomic_load(&watch->began_s, &look.began_s, __ATOMIC_RELAXED);
    look.cpu_s = watcher->has_cpu_clock ? fs_clock_s(watcher->cpu_clock) : 0;
    look.is_ready = is_ready(watcher->stat); /* before the delay: what comes between is told by that */
    look.delayed_s = delayed_s(watcher->schedstat);
    look.now_s = fs_exact_s();
    return look;
}

/* Without the interpreter no name of a request can be read. */
static void speak(double held_s)
{
    char line[256];
    int size = snprintf(line, sizeof line,
                        "WARNING:  The event loop has been held for %.1f s, and the interpreter's lock (GIL) with it: "
                        "a call into C code has not returned (process %ld)\n",
                        held_s, (long)getpid());
    ssize_t written = write(STDERR_FILENO, line, (size_t)size);
    (void)written; /* there is nobody else to tell */
}

static void look_once(fs_watcher *watcher, double asked_s)
{
    fs_look look = look_at(watcher, asked_s);
    fs_hold_event event = fs_hold_look(&watcher->hold, &look);
    if (event.kind == FS_HOLD_QUIET)
        return;
    __atomic_store_n(&watcher->told_moves, event.moves, __ATOMIC_RELEASE);
    uint32_t unheard = __atomic_fetch_add(&watcher->sent, 1, __ATOMIC_ACQ_REL);
    if (unheard > 0 && event.held_s >= UNHEARD_THRESHOLDS * watcher->hold.threshold_s)
        speak(event.held_s);
    if (write(watcher->events[1], &event, sizeof event) != (ssize_t)sizeof event)
        __atomic_fetch_sub(&watcher->sent, 1, __ATOMIC_ACQ_REL); /* full: they will hear of the next one */
}

static void *run(void *argument)
{
    fs_watcher *watcher = argument;
    struct pollfd stopped = {.fd = watcher->stop[0], .events = POLLIN};
    double asked_s = watcher->look_s;
#ifdef __linux__
    prctl(PR_SET_NAME, "fastserve-watch", 0, 0, 0);
#endif
    while (poll(&stopped, 1, (int)(asked_s * 1000)) <= 0) {
        look_once(watcher, asked_s);
        asked_s = watcher->hold.told > 0 ? LOOK_WHILE_HELD_S : watcher->look_s;
    }
    look_once(watcher, asked_s); /* a hold may just be over */
    /* Not by closing the pipe: a forked child may have it open too. */
    fs_hold_event last = {.kind = FS_HOLD_QUIET};
    ssize_t written = write(watcher->events[1], &last, sizeof last);
    (void)written; /* full: then nobody waits */
    return NULL;
}

static int open_pipe(int ends[2])
{
    if (pipe(ends) != 0)
        return errno;
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    return 0;
}

/* Signals are for the program's own threads. */
static int start_thread(fs_watcher *watcher)
{
    pthread_attr_t attributes;
    sigset_t all, before;
    int failure = pthread_attr_init(&attributes);
    if (failure != 0)
        return failure;
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    failure = pthread_create(&watcher->thread, &attributes, run, watcher);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return failure;
}

/* What tells a thread that works or waits from one that is not given a processor. */
static void open_clocks(fs_watcher *watcher)
{
    watcher->schedstat = watcher->stat = -1;
#ifdef __linux__
    char path[64];
    long thread = (long)syscall(SYS_gettid);
    snprintf(path, sizeof path, "/proc/self/task/%ld/schedstat", thread);
    watcher->schedstat = open(path, O_RDONLY | O_CLOEXEC);
    snprintf(path, sizeof path, "/proc/self/task/%ld/stat", thread);
    watcher->stat = open(path, O_RDONLY | O_CLOEXEC);
#endif
    watcher->has_cpu_clock = fs_thread_clock(&watcher->cpu_clock) == 0;
}

static void close_clocks(fs_watcher *watcher)
{
    if (watcher->schedstat >= 0)
        close(watcher->schedstat);
    if (watcher->stat >= 0)
        close(watcher->stat);
}

int fs_watcher_start(fs_watcher *watcher, fs_watch *watch, double threshold_s)
{
    double look_s = threshold_s / LOOKS_PER_THRESHOLD;
    *watcher = (fs_watcher){.watch = watch};
    watcher->look_s = look_s < LOOK_S_MIN ? LOOK_S_MIN : look_s > LOOK_S_MAX ? LOOK_S_MAX : look_s;
    int failure = open_pipe(watcher->events);
    if (failure != 0)
        return failure;
    failure = open_pipe(watcher->stop);
    if (failure == 0) {
        fcntl(watcher->events[1], F_SETFL, O_NONBLOCK);
        open_clocks(watcher);
        fs_look first = look_at(watcher, watcher->look_s);
        fs_hold_init(&watcher->hold, threshold_s, &first);
        failure = start_thread(watcher);
        if (failure == 0)
            return 0;
        close(watcher->stop[0]);
        close(watcher->stop[1]);
        close_clocks(watcher);
    }
    close(watcher->events[0]);
    close(watcher->events[1]);
    return failure;
}

int fs_watcher_next(fs_watcher *watcher, fs_hold_event *event)
{
    ssize_t size;
    do
        size = read(watcher->events[0], event, sizeof *event);
    while (size < 0 && errno == EINTR);
    return size == (ssize_t)sizeof *event && event->kind != FS_HOLD_QUIET;
}

void fs_watcher_heard(fs_watcher *watcher)
{
    __atomic_fetch_sub(&watcher->sent, 1, __ATOMIC_ACQ_REL);
}

void fs_watcher_stop(fs_watcher *watcher)
{
    ssize_t written = write(watcher->stop[1], "", 1);
    (void)written; /* the pipe is empty: there is room */
    pthread_join(watcher->thread, NULL);
    close(watcher->stop[0]);
    close(watcher->stop[1]);
    close_clocks(watcher);
}

void fs_watcher_close(fs_watcher *watcher)
{
    close(watcher->events[0]);
    close(watcher->events[1]);
}
