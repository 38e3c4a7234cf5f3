/* watch.h: who notices that the event loop stands still?
 *
 * A thread without Python, so that it runs while the loop's thread keeps the interpreter to itself. The loop's thread
 * says in an fs_watch whose step it runs; the watcher looks there now and then, lets hold.c judge what it sees, and
 * hands events to whoever waits in fs_watcher_next: a second thread, which may need the interpreter to act on them. If
 * that one does not come (a call into C code keeps the interpreter's lock and does not return), the watcher writes a
 * line to stderr itself, without what only the interpreter could tell.
 */
#ifndef FS_WATCH_H
#define FS_WATCH_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "clock.h"
#include "hold.h"

/* Written by the loop's thread alone, without waiting for anybody. */
typedef struct {
    uint64_t moves; /* how often the loop has moved on */
    void *holder;   /* whose step runs; NULL: nobody's that is known */
    double began_s; /* it began, on the coarse clock */
} fs_watch;

static inline void fs_watch_move(fs_watch *watch)
{
    __atomic_store_n(&watch->moves, watch->moves + 1, __ATOMIC_RELEASE);
}

static inline void fs_watch_begin(fs_watch *watch, void *holder)
{
    double now_s = fs_monotonic_s();
    __atomic_store(&watch->began_s, &now_s, __ATOMIC_RELAXED);
    __atomic_store_n(&watch->holder, holder, __ATOMIC_RELAXED);
    fs_watch_move(watch);
}

static inline void fs_watch_end(fs_watch *watch)
{
    __atomic_store_n(&watch->holder, NULL, __ATOMIC_RELAXED);
    fs_watch_move(watch);
}

typedef struct {
    fs_watch *watch;
    fs_hold hold;
    double look_s; /* between two looks, while all is well */
    clockid_t cpu_clock;
    int has_cpu_clock;
    int schedstat; /* /proc/self/task/TID/schedstat of the loop's thread, or -1 */
    int stat;      /* its /proc/self/task/TID/stat, or -1 */
    int events[2]; /* pipes */
    int stop[2];
    uint64_t told_moves; /* of the watch, when a hold was told of last */
    uint32_t sent;       /* events that nobody has come for yet */
    pthread_t thread;
} fs_watcher;

/* Begins to watch; on the loop's thread. Returns 0, or an errno, and then nothing is held. `watcher` and `watch` must
 * stay where they are until fs_watcher_close. */
int fs_watcher_start(fs_watcher *watcher, fs_watch *watch, double threshold_s);

/* Waits for an event, which is always another one than FS_HOLD_QUIET. Returns 0 if the watcher was stopped. */
int fs_watcher_next(fs_watcher *watcher, fs_hold_event *event);

/* Whoever waited acts on what it was told: no line of the watcher's own is needed. */
void fs_watcher_heard(fs_watcher *watcher);

/* How long the step that runs has held the loop, if that was told of, or 0; on the loop's thread. */
static inline double fs_watcher_held_s(const fs_watcher *watcher)
{
    const fs_watch *watch = watcher->watch;
    if (watch == NULL || watch->holder == NULL)
        return 0;
    if (__atomic_load_n(&watcher->told_moves, __ATOMIC_ACQUIRE) != watch->moves)
        return 0;
    return fs_monotonic_s() - watch->began_s;
}

/* Ends the watching; fs_watcher_next returns. To be called once. */
void fs_watcher_stop(fs_watcher *watcher);

/* Gives back what is held, once nobody waits any more. */
void fs_watcher_close(fs_watcher *watcher);

#endif
