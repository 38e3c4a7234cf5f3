/* hold.h: has one step held the event loop for too long?
 *
 * A watcher looks at the loop now and then. While the loop moves on between two looks, all is well. While it does not,
 * the time adds up, and the judge tells when it is too much. It adds only what is the program's own doing: time in
 * which the watcher itself was not run (the process was stopped, the machine asleep), and time in which the loop's
 * thread was ready but got no processor, count for nothing. So a starved machine raises no alarm. The kernel tells how
 * long a thread was ready only when it runs again: until then, what it has not computed is left open.
 */
#ifndef FS_HOLD_H
#define FS_HOLD_H

#include <stdint.h>

/* What was seen at one look. Times in seconds. */
typedef struct {
    double now_s;
    double asked_s;   /* after what time this look was to be */
    uint64_t moves;   /* changes whenever the loop moves on */
    int in_step;      /* a step runs, and it began at */
    double began_s;   /*   this time, on the clock of now_s */
    double cpu_s;     /* that the loop's thread has used so far; 0 where nobody knows */
    double delayed_s; /* in which it was ready, and waited for a processor, up to when it got one last; 0: unknown */
    int is_ready;     /* it runs, or waits for a processor since some time that delayed_s does not tell yet */
} fs_look;

typedef struct {
    double threshold_s;
    double held_s; /* since the loop has moved last, as far as it is the program's doing */
    double wall_s; /* since then, whosever doing */
    double cpu_s;  /* used meanwhile */
    double open_s; /* what else there is of that time, whosever doing: the thread is ready, and did not compute */
    double next_s; /* held_s at which the next event is due */
    double seen_s; /* the last look, and what it saw */
    uint64_t seen_moves;
    double seen_cpu_s;
    double seen_delayed_s;
    int told; /* events about this hold */
} fs_hold;

typedef enum {
    FS_HOLD_QUIET,
    FS_HOLD_BEGUN,    /* held for threshold_s */
    FS_HOLD_GOES_ON,  /* for twice as long as at the event before */
    FS_HOLD_RELEASED, /* a hold that was told of is over */
} fs_hold_kind;

typedef struct {
    fs_hold_kind kind;
    double held_s;
    double wall_s;
    double cpu_s;
    uint64_t moves; /* while it holds */
} fs_hold_event;

void fs_hold_init(fs_hold *hold, double threshold_s, const fs_look *first);

fs_hold_event fs_hold_look(fs_hold *hold, const fs_look *look);

#endif
