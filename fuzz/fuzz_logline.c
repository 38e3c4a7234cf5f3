/* Is an escaped text one line that shows every byte?
 *
 * Invariants, on any bytes:
 * - the output is at most four times as long, holds visible ASCII and spaces only, and no quote;
 * - every backslash in it begins \xHH, and decoding these gives the bytes back: no two texts look the same.
 *
 * Input: the text.
 */
#include <string.h>

#include "fuzz.h"
#include "logline.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *out = exact_block(4 * size);
    size_t written = fs_log_escape(out, (const char *)data, size);
    REQUIRE(written <= 4 * size);
    size_t at = 0;
    for (size_t i = 0; i < size; i++) {
        REQUIRE(at < written);
        uint8_t byte = (uint8_t)out[at];
        REQUIRE(byte >= 0x20 && byte < 0x7f && byte != '"');
        if (byte == '\\') {
            REQUIRE(written - at >= 4 && out[at + 1] == 'x');
            char digits[3] = {out[at + 2], out[at + 3], '\0'};
            char *end;
            byte = (uint8_t)strtol(digits, &end, 16);
            REQUIRE(end == digits + 2);
            at += 3;
        }
        REQUIRE(byte == data[i]);
        at++;
    }
    REQUIRE(at == written);
    free(out);
    return 0;
}
