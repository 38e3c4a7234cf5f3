/* Has one step held the event loop for too long? */
#include "check.h"
#include "hold.h"

static fs_hold hold;
static fs_look look;

static void begin(double threshold_s)
{
    look = (fs_look){.now_s = 1000, .asked_s = 0.1};
    fs_hold_init(&hold, threshold_s, &look);
}

/* The next look, after so much time, CPU time and time without a processor. */
static fs_hold_event after(double passed_s, double cpu_s, double delayed_s)
{
    look.now_s += passed_s;
    look.cpu_s += cpu_s;
    look.delayed_s += delayed_s;
    return fs_hold_look(&hold, &look);
}

/* A step begins so long before the next look. */
static void step(double before_s)
{
    look.moves++;
    look.in_step = 1;
    look.began_s = look.now_s + 0.1 - before_s;
}

static int ms(double s)
{
    return (int)(s * 1000 + 0.5);
}

static void test_a_loop_that_moves(void)
{
    check_case = "moves";
    begin(1);
    for (int i = 0; i < 100; i++) {
        step(0.05);
        CHECK_INT(FS_HOLD_QUIET, after(0.1, 0.1, 0).kind);
    }
}

/* The clock is the machine's: what was before the first look is nobody's. */
static void test_a_loop_that_does_not_begin_to_move(void)
{
    check_case = "never moved";
    begin(1);
    fs_hold_event event = {0};
    while (event.kind == FS_HOLD_QUIET)
        event = after(0.1, 0, 0);
    CHECK_INT(1000, ms(event.held_s));
    CHECK_INT(1000, ms(event.wall_s));
}

static void test_an_idle_loop_that_beats(void)
{
    check_case = "idle";
    begin(1);
    for (int i = 0; i < 100; i++) {
        look.moves += i % 3 == 0;
        CHECK_INT(FS_HOLD_QUIET, after(0.1, 0, 0).kind);
    }
}

static void test_a_step_that_sleeps(void)
{
    check_case = "sleeps";
    begin(1);
    step(0.04);
    fs_hold_event event = after(0.1, 0, 0);
    for (int i = 0; i < 9; i++) {
        CHECK_INT(FS_HOLD_QUIET, event.kind);
        event = after(0.1, 0, 0);
    }
    CHECK_INT(940, ms(hold.held_s));
    event = after(0.1, 0, 0);
    CHECK_INT(FS_HOLD_BEGUN, event.kind);
    CHECK_INT(1040, ms(event.held_s));
    CHECK_INT(0, ms(event.cpu_s));
    for (int i = 0; i < 9; i++)
        CHECK_INT(FS_HOLD_QUIET, after(0.1, 0, 0).kind);
    event = after(0.1, 0, 0);
    CHECK_INT(FS_HOLD_GOES_ON, event.kind);
    CHECK_INT(2040, ms(event.held_s));
    look.moves++;
    look.in_step = 0;
    event = after(0.1, 0, 0); /* ended at some time of the last 100 ms */
    CHECK_INT(FS_HOLD_RELEASED, event.kind);
    CHECK_INT(2090, ms(event.held_s));
    CHECK_INT(FS_HOLD_QUIET, after(0.1, 0, 0).kind);
}

static void test_a_second_hold_behind_the_first(void)
{
    check_case = "second";
    begin(0.2);
    step(0.1);
    after(0.1, 0, 0);
    CHECK_INT(FS_HOLD_BEGUN, after(0.1, 0, 0).kind);
    step(0.1);
    CHECK_INT(FS_HOLD_RELEASED, after(0.1, 0, 0).kind);
    fs_hold_event event = after(0.1, 0, 0);
    CHECK_INT(FS_HOLD_BEGUN, event.kind);
    CHECK_INT(200, ms(event.held_s));
}

static void test_what_computes_is_told_from_what_waits(void)
{
    check_case = "computes";
    begin(0.3);
    step(0.1);
    after(0.1, 0.09, 0);
    after(0.1, 0.09, 0);
    fs_hold_event event = after(0.1, 0.09, 0);
    CHECK_INT(FS_HOLD_BEGUN, event.kind);
    CHECK_INT(270, ms(event.cpu_s));
}

static void test_what_nobody_owns(void)
{
    /* A callback: no step is known, but the loop does not move. */
    check_case = "callback";
    begin(0.3);
    CHECK_INT(FS_HOLD_QUIET, after(0.1, 0, 0).kind);
    CHECK_INT(FS_HOLD_QUIET, after(0.1, 0, 0).kind);
    CHECK_INT(FS_HOLD_BEGUN, after(0.1, 0, 0).kind);
}

static void test_a_process_that_is_stopped(void)
{
    /* SIGSTOP in the middle of a step, for an hour: the watcher was stopped too. */
    check_case = "stopped";
    begin(1);
    step(0.01);
    after(0.1, 0.01, 0);
    CHECK_INT(FS_HOLD_QUIET, after(3600, 0.01, 0).kind);
    CHECK(hold.held_s < 0.3);
    /* And in one that the watcher had not seen yet. */
    begin(1);
    step(3600);
    CHECK_INT(FS_HOLD_QUIET, after(3600, 0.01, 0).kind);
    CHECK(hold.held_s < 0.3);
}

static void test_a_machine_that_is_starved(void)
{
    /* The watcher gets its turns, the loop's thread one tenth of a processor. */
    check_case = "starved";
    begin(1);
    step(0.1);
    for (int i = 0; i < 50; i++)
        CHECK_INT(FS_HOLD_QUIET, after(0.1, 0.01, 0.09).kind);
    CHECK(hold.held_s < 0.6);
}

/* So many looks at a thread that gets no processor; the kernel tells of that before the next one. */
static void starve(int looks, double delay_s)
{
    look.is_ready = 1;
    for (int i = 0; i < looks; i++)
        CHECK_INT(FS_HOLD_QUIET, after(0.1, 0, 0).kind);
    look.is_ready = 0;
    look.delayed_s += delay_s;
}

static void test_a_loop_that_is_ready_and_gets_no_processor(void)
{
    check_case = "idle, then starved";
    begin(0.3);
    starve(20, 1.9);
    look.moves++;
    CHECK_INT(FS_HOLD_QUIET, after(0.1, 0, 0).kind);
    check_case = "in a step that computes";
    begin(0.3);
    step(0.1);
    after(0.1, 0.1, 0);
    starve(20, 2);
    CHECK_INT(100, ms(hold.held_s));
    CHECK_INT(FS_HOLD_QUIET, after(0.1, 0.1, 0).kind);
    CHECK_INT(200, ms(hold.held_s));
    check_case = "and again";
    starve(20, 2);
    CHECK_INT(200, ms(hold.held_s));
    look.is_ready = 1;
    CHECK_INT(FS_HOLD_BEGUN, after(0.1, 0.1, 0).kind);
}

/* It slept, was woken as a look came, and ran soon: what was left open is a hold after all. */
static void test_what_was_left_open(void)
{
    check_case = "open";
    begin(0.3);
    step(0.1);
    after(0.1, 0, 0);
    look.is_ready = 1;
    CHECK_INT(FS_HOLD_QUIET, after(0.1, 0, 0).kind);
    CHECK_INT(100, ms(hold.held_s));
    look.is_ready = 0;
    CHECK_INT(FS_HOLD_QUIET, after(0.05, 0, 0.01).kind);
    CHECK_INT(240, ms(hold.held_s));
    fs_hold_event event = after(0.1, 0, 0);
    CHECK_INT(FS_HOLD_BEGUN, event.kind);
    CHECK_INT(340, ms(event.held_s));
    check_case = "released";
    look.is_ready = 1;
    CHECK_INT(FS_HOLD_QUIET, after(0.1, 0, 0).kind);
    look.moves++;
    look.in_step = 0;
    event = after(0.1, 0, 0.04);
    CHECK_INT(FS_HOLD_RELEASED, event.kind);
    CHECK_INT(340 + 60 + 50, ms(event.held_s));
}

static void test_clocks_that_go_back(void)
{
    check_case = "back";
    begin(1);
    step(0.1);
    after(0.1, 0.1, 0.1);
    CHECK_INT(FS_HOLD_QUIET, after(-5, -5, -5).kind);
    CHECK(hold.held_s >= 0 && hold.cpu_s >= 0);
}

int main(void)
{
    test_a_loop_that_moves();
    test_a_loop_that_does_not_begin_to_move();
    test_an_idle_loop_that_beats();
    test_a_step_that_sleeps();
    test_a_second_hold_behind_the_first();
    test_what_computes_is_told_from_what_waits();
    test_what_nobody_owns();
    test_a_process_that_is_stopped();
    test_a_machine_that_is_starved();
    test_a_loop_that_is_ready_and_gets_no_processor();
    test_what_was_left_open();
    test_clocks_that_go_back();
    return check_end("test_hold");
}
