/* clock.h: what time is it, roughly?
 *
 * Deadlines and the Date field need no more than the tick of the kernel's clock. Linux hands that out without a
 * system call and without reading the time-stamp counter; elsewhere the exact clock serves.
 */
#ifndef FS_CLOCK_H
#define FS_CLOCK_H

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <time.h>

#ifdef CLOCK_MONOTONIC_COARSE
#define FS_CLOCK_MONOTONIC CLOCK_MONOTONIC_COARSE
#define FS_CLOCK_REALTIME CLOCK_REALTIME_COARSE
#else
#define FS_CLOCK_MONOTONIC CLOCK_MONOTONIC
#define FS_CLOCK_REALTIME CLOCK_REALTIME
#endif

static inline double fs_monotonic_s(void)
{
    struct timespec now;
    clock_gettime(FS_CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* For how long something takes: to the nanosecond, at the price of reading the processor's counter. */
static inline double fs_exact_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* The same of any clock; 0 where it cannot be read. */
static inline double fs_clock_s(clockid_t clock)
{
    struct timespec now;
    return clock_gettime(clock, &now) == 0 ? (double)now.tv_sec + (double)now.tv_nsec * 1e-9 : 0;
}

/* The clock of the processor time of the calling thread, as other threads may read it while it lives. Returns 0, or an
 * errno where there is none. */
static inline int fs_thread_clock(clockid_t *clock)
{
#ifdef __linux__
    return pthread_getcpuclockid(pthread_self(), clock);
#else
    (void)clock;
    return ENOTSUP;
#endif
}

static inline int64_t fs_epoch_s(void)
{
    struct timespec now;
    clock_gettime(FS_CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec;
}

#endif
