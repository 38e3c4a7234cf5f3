/* cpu.h: for how long has a thread computed?
 *
 * The kernel's answer costs a system call, ten looks at the clock. So it is asked at most every FS_CPU_FRESH_S; in
 * between, the thread is taken to have run. What an application sleeps in steps shorter than that counts as computing.
 */
#ifndef FS_CPU_H
#define FS_CPU_H

#include "clock.h"

static const double FS_CPU_FRESH_S = 0.0001;

/* A thread's clock; all zero before its first use. */
typedef struct {
    double seen_s; /* when the kernel was asked last, on the exact clock */
    double cpu_s;  /* what it said */
} fs_cpu;

/* Of the calling thread, at `now_s` on the exact clock. */
static inline double fs_cpu_s(fs_cpu *cpu, double now_s)
{
    if (now_s - cpu->seen_s >= FS_CPU_FRESH_S) {
        cpu->seen_s = now_s;
        cpu->cpu_s = fs_clock_s(CLOCK_THREAD_CPUTIME_ID);
    }
    return cpu->cpu_s + (now_s - cpu->seen_s);
}

/* A part of a thread's time: a step of an application. All zero while there is none. */
typedef struct {
    double began_s;
    double began_cpu_s;
} fs_step;

static inline void fs_step_begin(fs_step *step, fs_cpu *cpu)
{
    step->began_s = fs_exact_s();
    step->began_cpu_s = fs_cpu_s(cpu, step->began_s);
}

/* Adds how long it took, and how much of that the thread computed. */
static inline void fs_step_end(fs_step *step, fs_cpu *cpu, double *ran_s, double *cpu_s)
{
    double now_s = fs_exact_s();
    double took_s = now_s - step->began_s, computed_s = fs_cpu_s(cpu, now_s) - step->began_cpu_s;
    *ran_s += took_s;
    *cpu_s += computed_s < 0 ? 0 : computed_s < took_s ? computed_s : took_s;
    step->began_s = 0;
}

#endif
