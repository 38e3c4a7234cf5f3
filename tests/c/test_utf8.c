/* Is this UTF-8, as far as it has come? */
#include <string.h>

#include "check.h"
#include "utf8.h"

/* What RFC 3629 says, by decoding: the length of the character at `text`, 0 if there is none. */
static size_t character(const uint8_t *text, size_t len)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t size = text[0] < 0x80 ? 1 : text[0] >> 5 == 6 ? 2 : text[0] >> 4 == 14 ? 3 : text[0] >> 3 == 30 ? 4 : 0;
    if (size == 0 || size > len)
        return 0;
    uint32_t code = size == 1 ? text[0] : text[0] & (0x7fu >> size);
    for (size_t i = 1; i < size; i++) {
        if (text[i] >> 6 != 2)
            return 0;
        code = code << 6 | (text[i] & 0x3fu);
    }
    if (code < least[size] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
        return 0;
    return size;
}

static int is_text(const uint8_t *text, size_t len)
{
    size_t at = 0;
    while (at < len) {
        size_t size = character(text + at, len - at);
        if (size == 0)
            return 0;
        at += size;
    }
    return 1;
}

/* Whole, byte by byte, and in two pieces: one answer. */
static int judge(const uint8_t *text, size_t len)
{
    fs_utf8 whole = {0};
    int verdict = fs_utf8_feed(&whole, text, len) == 0 && fs_utf8_is_complete(&whole);
    for (size_t cut = 0; cut <= len; cut++) {
        fs_utf8 state = {0};
        int cut_verdict = fs_utf8_feed(&state, text, cut) == 0 && fs_utf8_feed(&state, text + cut, len - cut) == 0 &&
                          fs_utf8_is_complete(&state);
        CHECK_INT(verdict, cut_verdict);
    }
    fs_utf8 state = {0};
    int single = 1;
    for (size_t i = 0; i < len && single; i++)
        single = fs_utf8_feed(&state, text + i, 1) == 0;
    CHECK_INT(verdict, single && fs_utf8_is_complete(&state));
    return verdict;
}

/* Every pair and every first three bytes of a four-byte character, padded with what could continue them. */
static void test_against_decoding(void)
{
    check_case = "every pair of bytes";
    for (int a = 0; a < 256; a++) {
        for (int b = 0; b < 256; b++) {
            uint8_t text[4] = {(uint8_t)a, (uint8_t)b, 0x80, 0xbf};
            for (size_t len = 1; len <= 4; len++)
                CHECK_INT(is_text(text, len), judge(text, len));
        }
    }
}

/* What is spoilt is seen at once: at the first byte behind which no text goes on. */
static void test_fails_at_once(void)
{
    static const struct {
        const char *text;
        size_t spoilt_at;
    } rows[] = {
        {"\xc0\x80", 0},
        {"\xc1", 0},
        {"\x80", 0},
        {"\xff", 0},
        {"\xf5\x80", 0},
        {"\xe0\x9f", 1},
        {"\xed\xa0\x80", 1},
        {"\xf4\x90", 1},
        {"\xf0\x8f", 1},
        {"\xe2\x82\x41", 2},
        {"0123456789\xe2\x82\xac and \xf8", 18},
        {"\xf0\x9f\x98\xc0", 3},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        check_case = rows[i].text;
        fs_utf8 state = {0};
        CHECK_INT(0, fs_utf8_feed(&state, rows[i].text, rows[i].spoilt_at));
        CHECK_INT(-1, fs_utf8_feed(&state, rows[i].text + rows[i].spoilt_at, 1));
    }
}

static void test_long_texts(void)
{
    check_case = "long texts";
    uint8_t text[64];
    for (size_t at = 0; at + 3 <= sizeof text; at++) {
        memset(text, 'a', sizeof text);
        memcpy(text + at, "\xe2\x82\xac", 3);
        CHECK_INT(1, judge(text, sizeof text));
        text[at + 1] = 'a';
        CHECK_INT(0, judge(text, sizeof text));
    }
    memset(text, 'a', sizeof text);
    text[sizeof text - 1] = 0xc3; /* cut short */
    CHECK_INT(0, judge(text, sizeof text));
    CHECK_INT(1, judge(text, 0));
}

int main(void)
{
    test_against_decoding();
    test_fails_at_once();
    test_long_texts();
    return check_end("test_utf8");
}
