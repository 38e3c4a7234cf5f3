/* How is what a client sent spelled in a log? */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "logline.h"

/* Escapes into a block of exactly the promised size. */
static void check_escaped(const char *text, size_t len, const char *expected)
{
    char *in = malloc(len + 1), *out = malloc(4 * len + 1);
    if (in == NULL || out == NULL)
        abort();
    memcpy(in + 1, text, len);
    size_t written = fs_log_escape(out + 1, in + 1, len);
    CHECK_BYTES(expected, strlen(expected), out + 1, written);
    free(in);
    free(out);
}

static void test_every_byte(void)
{
    for (int byte = 0; byte < 256; byte++) {
        char text = (char)byte;
        char expected[8];
        int visible = byte >= 0x20 && byte <= 0x7e && byte != '"' && byte != '\\';
        snprintf(expected, sizeof expected, visible ? "%c" : "\\x%02x", byte);
        check_case = expected;
        check_escaped(&text, 1, expected);
    }
}

static void test_lines(void)
{
    check_case = "lines";
    check_escaped("", 0, "");
    check_escaped("GET / HTTP/1.1", 14, "GET / HTTP/1.1");
    check_escaped("/\"x", 3, "/\\x22x");
    check_escaped("a\r\nb", 4, "a\\x0d\\x0ab");
    check_escaped("\x1b[31m", 5, "\\x1b[31m"); /* row 27 of the wire cases */
    check_escaped("\\x0a", 4, "\\x5cx0a");     /* a client cannot write an escape of its own */
    check_escaped("\xe2\x80\xae", 3, "\\xe2\\x80\\xae");
    check_escaped("\x9b", 1, "\\x9b"); /* the one-byte CSI */
    check_escaped("a\0b", 3, "a\\x00b");
}

int main(void)
{
    test_every_byte();
    test_lines();
    return check_end("test_logline");
}
