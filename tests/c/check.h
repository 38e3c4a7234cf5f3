/* check.h: the checks of the C tests.
 *
 * A failed check prints where, in which case, what was expected and what came, and the run goes on. A test's main ends
 * with `return check_end("test_x")`, which prints the last line, such as "test_x: 57 passed, 0 failed".
 */
#ifndef FS_CHECK_H
#define FS_CHECK_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>

static unsigned long check_passed, check_failed;
static const char *check_case = ""; /* printed with a failure; set it to the table row's name */

static inline int check_note(int ok, const char *file, int line)
{
    if (ok) {
        check_passed++;
        return 1;
    }
    check_failed++;
    printf("%s:%d: %s%s", file, line, check_case, check_case[0] != '\0' ? ": " : "");
    return 0;
}

static inline void check_print_bytes(const char *label, const char *bytes, size_t len)
{
    printf("  %s %zu bytes \"", label, len);
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)bytes[i];
        if (c >= 0x20 && c < 0x7f)
            putchar(c);
        else
            printf("\\x%02x", c);
    }
    printf("\"\n");
}

static inline void check_bytes(const char *expected, size_t expected_len, const char *got, size_t got_len,
                               const char *file, int line)
{
    int same = expected_len == got_len && (got_len == 0 || memcmp(expected, got, got_len) == 0);
    if (!check_note(same, file, line)) {
        printf("bytes differ\n");
        check_print_bytes("expected", expected, expected_len);
        check_print_bytes("got     ", got, got_len);
    }
}

static inline int check_end(const char *name)
{
    printf("%s: %lu passed, %lu failed\n", name, check_passed, check_failed);
    return check_failed == 0 ? 0 : 1;
}

#define CHECK(condition)                                              \
    do {                                                              \
        if (!check_note((condition) ? 1 : 0, __FILE__, __LINE__))     \
            printf("expected %s\n", #condition);                      \
    } while (0)

#define CHECK_INT(expected, got)                                                                             \
    do {                                                                                                     \
        long long check_e = (long long)(expected), check_g = (long long)(got);                               \
        if (!check_note(check_e == check_g, __FILE__, __LINE__))                                             \
            printf("%s: expected %lld, got %lld\n", #got, check_e, check_g);                                 \
    } while (0)

#define CHECK_BYTES(expected, expected_len, got, got_len) \
    check_bytes(expected, expected_len, got, got_len, __FILE__, __LINE__)

#define CHECK_STR(expected, got) check_bytes(expected, strlen(expected), got, strlen(got), __FILE__, __LINE__)

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
