/* Is a percent-decoded path what its bytes say, and never longer?
 *
 * Invariants, on any bytes:
 * - the output fits the room that the header promises, and is what strtol makes of one %XX after the other;
 * - a plain path (fs_path_is_plain) is its own decoding, and all ASCII;
 * - with every byte coded as %XX, the decoding gives the bytes back.
 *
 * Input: the path.
 */
#include <string.h>

#include "fuzz.h"
#include "target.h"

static int is_hex(char c)
{
    return c != '\0' && strchr("0123456789abcdefABCDEF", c) != NULL;
}

static size_t decode_simply(char *out, const char *path, size_t len)
{
    size_t written = 0;
    for (size_t i = 0; i < len; i++) {
        if (path[i] == '%' && i + 2 < len && is_hex(path[i + 1]) && is_hex(path[i + 2])) {
            char digits[3] = {path[i + 1], path[i + 2], '\0'};
            out[written++] = (char)strtol(digits, NULL, 16);
            i += 2;
        } else {
            out[written++] = path[i];
        }
    }
    return written;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *path = (const char *)data;
    char *out = exact_block(size), *expected = exact_block(size);
    size_t written = fs_percent_decode(out, path, size);
    REQUIRE(written <= size);
    REQUIRE(written == decode_simply(expected, path, size));
    REQUIRE(written == 0 || memcmp(out, expected, written) == 0);
    if (fs_path_is_plain(path, size)) {
        REQUIRE(written == size && (size == 0 || memcmp(out, path, size) == 0));
        for (size_t i = 0; i < size; i++)
            REQUIRE(data[i] < 0x80);
    }
    free(out);
    free(expected);

    char *coded = exact_block(3 * size + 1), *back = exact_block(3 * size);
    for (size_t i = 0; i < size; i++)
        sprintf(coded + 3 * i, i % 2 ? "%%%02x" : "%%%02X", data[i]);
    REQUIRE(fs_percent_decode(back, coded, 3 * size) == size);
    REQUIRE(size == 0 || memcmp(back, path, size) == 0);
    free(coded);
    free(back);
    return 0;
}
