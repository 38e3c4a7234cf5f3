/* What path does this target name? */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "target.h"

/* Decodes in blocks of exactly the promised size. */
static void check_decoded(const char *path, size_t len, const char *expected, size_t expected_len)
{
    char *in = malloc(len + 1), *out = malloc(len + 1);
    if (in == NULL || out == NULL)
        abort();
    memcpy(in + 1, path, len);
    size_t written = fs_percent_decode(out + 1, in + 1, len);
    CHECK(written <= len);
    CHECK_BYTES(expected, expected_len, out + 1, written);
    free(in);
    free(out);
}

static const struct {
    const char *path;
    const char *decoded;
} rows[] = {
    {"", ""},
    {"/", "/"},
    {"/a/b", "/a/b"},
    {"/%41", "/A"},
    {"/%41%42%43", "/ABC"},
    {"%2f", "/"},
    {"%2F", "/"},
    {"/%e2%82%ac", "/\xe2\x82\xac"},
    {"/%c3%28", "/\xc3("},      /* not UTF-8: not this room's question */
    {"/a%20b", "/a b"},
    {"/a+b", "/a+b"},           /* a plus is a plus in a path */
    {"/%25%34%31", "/%41"},     /* decoded once, not twice */
    {"/%2541", "/%41"},
    {"/%0d%0a", "/\r\n"},
    {"%", "%"},                 /* cut short */
    {"/%4", "/%4"},
    {"/%", "/%"},
    {"/%%41", "/%A"},           /* no digits: stays */
    {"/%zz", "/%zz"},
    {"/%4g", "/%4g"},
    {"/%g4", "/%g4"},
    {"/%-1", "/%-1"},
    {"/% 1", "/% 1"},
    {"/%4%41", "/%4A"},
    {"/\x80\xff", "/\x80\xff"},
};

static void test_decode(void)
{
    for (size_t i = 0; i < COUNT(rows); i++) {
        check_case = rows[i].path;
        check_decoded(rows[i].path, strlen(rows[i].path), rows[i].decoded, strlen(rows[i].decoded));
    }
    check_case = "a NUL, coded and raw";
    check_decoded("/%00b", 5, "/\0b", 3);
    check_decoded("/\0b", 3, "/\0b", 3);
}

/* Every pair of bytes behind a percent sign, against the C library's own notion of a hexadecimal digit. */
static void test_every_pair(void)
{
    check_case = "every pair";
    for (int high = 0; high < 256; high++) {
        for (int low = 0; low < 256; low++) {
            char path[3] = {'%', (char)high, (char)low};
            const char *digits = "0123456789abcdefABCDEF";
            int coded = high != 0 && low != 0 && strchr(digits, high) != NULL && strchr(digits, low) != NULL;
            if (coded) {
                char text[3] = {(char)high, (char)low, '\0'};
                char expected = (char)strtol(text, NULL, 16);
                check_decoded(path, 3, &expected, 1);
            } else {
                check_decoded(path, 3, path, 3);
            }
        }
    }
}

static void test_in_place(void)
{
    check_case = "in place";
    char path[] = "/%41%zz%42";
    size_t written = fs_percent_decode(path, path, strlen(path));
    CHECK_BYTES("/A%zzB", 6, path, written);
}

static void test_plain(void)
{
    check_case = "plain";
    CHECK(fs_path_is_plain("", 0));
    for (int byte = 0; byte < 256; byte++) {
        char path[3] = {'/', (char)byte, 'x'};
        CHECK_INT(byte != '%' && byte < 0x80, fs_path_is_plain(path, 3));
        CHECK_INT(byte != '%' && byte < 0x80, fs_path_is_plain(path + 1, 1));
    }
}

int main(void)
{
    test_decode();
    test_every_pair();
    test_in_place();
    test_plain();
    return check_end("test_target");
}
