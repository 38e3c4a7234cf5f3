/* Does the answer about a text depend on how it was cut? Is it the answer that decoding gives?
 *
 * Invariants, on any bytes and cuts:
 * - what is accepted whole is what decodes by RFC 3629, no overlong form, no surrogate, nothing beyond U+10FFFF;
 * - in pieces, empty ones too, it is the same.
 *
 * Input: one byte for the cuts, then the text.
 */
#include <string.h>

#include "fuzz.h"
#include "utf8.h"

static int decodes(const uint8_t *text, size_t len)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    for (size_t at = 0; at < len;) {
        uint8_t first = text[at];
        size_t size = first < 0x80 ? 1 : first >> 5 == 6 ? 2 : first >> 4 == 14 ? 3 : first >> 3 == 30 ? 4 : 0;
        if (size == 0 || size > len - at)
            return 0;
        uint32_t code = size == 1 ? first : first & (0x7fu >> size);
        for (size_t i = 1; i < size; i++) {
            if (text[at + i] >> 6 != 2)
                return 0;
            code = code << 6 | (text[at + i] & 0x3fu);
        }
        if (code < least[size] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
            return 0;
        at += size;
    }
    return 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    const uint8_t *text = data + 1;
    size_t len = size - 1, cuts[64], from = 0;
    fs_utf8 whole = {0}, pieces = {0};
    int verdict = fs_utf8_feed(&whole, text, len) == 0 && fs_utf8_is_complete(&whole);
    REQUIRE(verdict == decodes(text, len));
    size_t count = choose_cuts(data[0], len, cuts, 64);
    int failed = 0;
    for (size_t i = 0; i <= count && !failed; i++) {
        size_t to = i < count ? cuts[i] : len;
        failed = fs_utf8_feed(&pieces, text + from, to - from) != 0;
        from = to;
    }
    REQUIRE((!failed && fs_utf8_is_complete(&pieces)) == verdict);
    return 0;
}
