/* For how long has a thread computed? */
#include "check.h"
#include "cpu.h"

static fs_cpu cpu;
static double ran_s, computed_s;

static double computed_until(double cpu_s)
{
    while (fs_clock_s(CLOCK_THREAD_CPUTIME_ID) < cpu_s)
        continue;
    return cpu_s;
}

static void test_a_step_that_computes(void)
{
    check_case = "computes";
    fs_step step = {0};
    cpu = (fs_cpu){0};
    ran_s = computed_s = 0;
    fs_step_begin(&step, &cpu);
    CHECK(step.began_s > 0);
    computed_until(fs_clock_s(CLOCK_THREAD_CPUTIME_ID) + 0.01);
    fs_step_end(&step, &cpu, &ran_s, &computed_s);
    CHECK(step.began_s == 0);
    CHECK(computed_s >= 0.01 - FS_CPU_FRESH_S);
    CHECK(computed_s <= ran_s);
}

static void test_a_step_that_sleeps(void)
{
    check_case = "sleeps";
    fs_step step = {0};
    struct timespec length = {.tv_nsec = 20 * 1000 * 1000};
    cpu = (fs_cpu){0};
    ran_s = computed_s = 0;
    fs_step_begin(&step, &cpu);
    nanosleep(&length, NULL);
    fs_step_end(&step, &cpu, &ran_s, &computed_s);
    CHECK(ran_s >= 0.02);
    CHECK(computed_s < 0.01);
}

/* Between two questions to the kernel the thread is taken to have run, whatever it did. */
static void test_how_often_the_kernel_is_asked(void)
{
    check_case = "asked";
    cpu = (fs_cpu){.seen_s = 1000, .cpu_s = 5};
    CHECK(fs_cpu_s(&cpu, 1000 + FS_CPU_FRESH_S / 2) == 5 + ((1000 + FS_CPU_FRESH_S / 2) - 1000));
    CHECK(cpu.seen_s == 1000);
    CHECK(fs_cpu_s(&cpu, 1001) < 5); /* this program has not run for so long */
    CHECK(cpu.seen_s == 1001);
}

/* A step may not have computed for longer than it took, nor for less than nothing. */
static void test_bounds(void)
{
    check_case = "bounds";
    fs_step step = {.began_s = fs_exact_s(), .began_cpu_s = 1e9};
    cpu = (fs_cpu){0};
    ran_s = computed_s = 0;
    fs_step_end(&step, &cpu, &ran_s, &computed_s);
    CHECK(computed_s == 0);
    step = (fs_step){.began_s = fs_exact_s(), .began_cpu_s = -1e9};
    fs_step_end(&step, &cpu, &ran_s, &computed_s);
    CHECK(computed_s <= ran_s && computed_s > 0);
}

int main(void)
{
    test_a_step_that_computes();
    test_a_step_that_sleeps();
    test_how_often_the_kernel_is_asked();
    test_bounds();
    return check_end("test_cpu");
}
