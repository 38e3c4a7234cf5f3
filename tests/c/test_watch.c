/* Who notices that the event loop stands still? The watcher's thread, its pipes and its own line. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "watch.h"

static fs_watch watch;
static fs_watcher watcher;

static void start(double threshold_s)
{
    watch = (fs_watch){0};
    if (fs_watcher_start(&watcher, &watch, threshold_s) != 0)
        abort();
}

static void end(void)
{
    fs_hold_event event;
    fs_watcher_stop(&watcher);
    check_case = "after the end";
    while (fs_watcher_next(&watcher, &event)) {
    }
    fs_watcher_close(&watcher);
}

static void test_a_step(void)
{
    fs_hold_event event = {0};
    check_case = "step";
    start(0.05);
    fs_watch_begin(&watch, &event);
    CHECK(fs_watcher_next(&watcher, &event));
    fs_watcher_heard(&watcher);
    CHECK_INT(FS_HOLD_BEGUN, event.kind);
    CHECK(event.held_s >= 0.05);
    CHECK(fs_watcher_held_s(&watcher) >= 0.04); /* the coarse clock */
    fs_watch_end(&watch);
    CHECK(fs_watcher_held_s(&watcher) == 0);
    fs_watch_begin(&watch, &event);
    CHECK(fs_watcher_held_s(&watcher) == 0);
    fs_watch_end(&watch);
    do {
        CHECK(fs_watcher_next(&watcher, &event));
        fs_watcher_heard(&watcher);
    } while (event.kind == FS_HOLD_GOES_ON);
    CHECK_INT(FS_HOLD_RELEASED, event.kind);
    CHECK(event.held_s >= 0.05);
    CHECK(event.cpu_s < event.held_s / 2); /* it waited in a read */
    CHECK_INT(0, watcher.sent);
    end();
}

static void test_the_end_comes_at_once(void)
{
    check_case = "end";
    start(1000);
    end();
    CHECK_INT(0, watch.moves);
}

/* stderr meanwhile goes to a file without a name. */
static void test_whom_nobody_hears_speaks(void)
{
    char name[] = "/tmp/test_watch.XXXXXX", text[4096] = "";
    int file = mkstemp(name), before = dup(STDERR_FILENO);
    check_case = "speaks";
    unlink(name);
    dup2(file, STDERR_FILENO);
    start(0.01);
    fs_watch_begin(&watch, &file);
    for (int i = 0; i < 200 && lseek(file, 0, SEEK_END) == 0; i++)
        usleep(10000); /* as a call that keeps the interpreter's lock */
    end();
    dup2(before, STDERR_FILENO);
    close(before);
    CHECK(pread(file, text, sizeof text - 1, 0) > 0);
    close(file);
    CHECK(strstr(text, "WARNING:  The event loop has been held for 0.") == text);
    CHECK(strstr(text, "the interpreter's lock (GIL)") != NULL);
}

int main(void)
{
    test_a_step();
    test_the_end_comes_at_once();
    test_whom_nobody_hears_speaks();
    return check_end("test_watch");
}
