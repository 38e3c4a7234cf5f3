#include "utf8.h"

#include <string.h>

/* RFC 3629, 4: which second byte a first one allows. That leaves out what is longer than it need be, surrogates, and
 * what is beyond U+10FFFF. */
static int begin(fs_utf8 *state, uint8_t first)
{
    state->low = 0x80;
    state->high = 0xbf;
    if (first < 0xc2 || first > 0xf4)
        return -1;
    if (first < 0xe0) {
        state->missing = 1;
    } else if (first < 0xf0) {
        state->missing = 2;
        if (first == 0xe0)
            state->low = 0xa0;
        else if (first == 0xed)
            state->high = 0x9f;
    } else {
        state->missing = 3;
        if (first == 0xf0)
            state->low = 0x90;
        else if (first == 0xf4)
            state->high = 0x8f;
    }
    return 0;
}

int fs_utf8_feed(fs_utf8 *state, const void *data, size_t len)
{
    const uint8_t *text = data;
    fs_utf8 now = *state;
    size_t i = 0;
    while (i < len) {
        if (now.missing > 0) {
            if (text[i] < now.low || text[i] > now.high)
                return -1;
            now.missing--;
            now.low = 0x80;
            now.high = 0xbf;
            i++;
            continue;
        }
        while (i + 8 <= len) {
            uint64_t word;
            memcpy(&word, text + i, 8);
            if (word & 0x8080808080808080u)
                break;
            i += 8;
        }
        while (i < len && text[i] < 0x80)
            i++;
        if (i < len && begin(&now, text[i++]) != 0)
            return -1;
    }
    *state = now;
    return 0;
}
