#include "hold.h"

/* A look that comes later than twice the time asked for, and this, was kept from coming. */
static const double SLACK_S = 0.005;

static double at_most(double a, double b)
{
    return a < b ? a : b;
}

static double at_least_0(double a)
{
    return a > 0 ? a : 0;
}

static void see(fs_hold *hold, const fs_look *look)
{
    hold->seen_s = look->now_s;
    hold->seen_moves = look->moves;
    hold->seen_cpu_s = look->cpu_s;
    hold->seen_delayed_s = look->delayed_s;
}

void fs_hold_init(fs_hold *hold, double threshold_s, const fs_look *first)
{
    *hold = (fs_hold){.threshold_s = threshold_s, .next_s = threshold_s};
    see(hold, first);
}

/* Counts what is certain of so much time of the program's own. */
static void count(fs_hold *hold, const fs_look *look, double own_s, double cpu_s)
{
    double certain_s = look->is_ready ? at_most(own_s, cpu_s) : own_s;
    hold->held_s += certain_s;
    hold->open_s = own_s - certain_s;
}

fs_hold_event fs_hold_look(fs_hold *hold, const fs_look *look)
{
    fs_hold_event event = {FS_HOLD_QUIET, 0, 0, 0, hold->seen_moves};
    double passed_s = at_least_0(look->now_s - hold->seen_s);
    double cpu_s = at_least_0(look->cpu_s - hold->seen_cpu_s);
    /* The delay, when it is told at last, is first that of the time that was left open. */
    double delay_s = at_least_0(look->delayed_s - hold->seen_delayed_s);
    double settled_s = at_least_0(hold->open_s - delay_s);
    double own_s = at_least_0(at_most(passed_s, 2 * look->asked_s + SLACK_S) - at_least_0(delay_s - hold->open_s));
    if (look->moves == hold->seen_moves) {
        count(hold, look, settled_s + own_s, cpu_s);
        hold->wall_s += passed_s;
        hold->cpu_s += cpu_s;
        if (hold->held_s >= hold->next_s) {
            event.kind = hold->told++ == 0 ? FS_HOLD_BEGUN : FS_HOLD_GOES_ON;
            event.held_s = hold->held_s;
            event.wall_s = hold->wall_s;
            event.cpu_s = hold->cpu_s;
            while (hold->next_s <= hold->held_s)
                hold->next_s *= 2;
        }
    } else {
        if (hold->told > 0) { /* it ended some time between the looks */
            event.kind = FS_HOLD_RELEASED;
            event.held_s = hold->held_s + settled_s + own_s / 2;
            event.wall_s = hold->wall_s + passed_s / 2;
            event.cpu_s = hold->cpu_s + cpu_s / 2;
        }
        hold->told = 0;
        hold->next_s = hold->threshold_s;
        hold->wall_s = look->in_step ? at_least_0(look->now_s - look->began_s) : 0;
        hold->held_s = 0;
        count(hold, look, at_most(hold->wall_s, own_s), cpu_s);
        hold->cpu_s = at_most(cpu_s, hold->held_s);
    }
    see(hold, look);
    return event;
}
