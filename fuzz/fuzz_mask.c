/* Do all ways of unmasking give the same bytes, and the same answer about ASCII?
 *
 * Invariants, on any bytes, key, offset and cut:
 * - every way that this processor has gives what XOR gives byte by byte, and touches nothing beside;
 * - in two pieces, the key advanced in between, it is the same.
 *
 * Input: four bytes of key, one for the offset, one for the cut, then the payload.
 */
#include <string.h>

#include "fuzz.h"
#include "mask.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 6)
        return 0;
    const uint8_t *payload = data + 6;
    size_t len = size - 6, offset = data[4] % 32, cut = len > 0 ? data[5] % (len + 1) : 0, count;
    const fs_unmasker *ways = fs_unmaskers(&count);
    char *expected = exact_block(len), *out = exact_block(offset + len);
    int is_ascii = 1;
    for (size_t i = 0; i < len; i++) {
        expected[i] = (char)(payload[i] ^ data[i % 4]);
        is_ascii = is_ascii && (uint8_t)expected[i] < 0x80;
    }
    for (size_t i = 0; i < count; i++) {
        if (!ways[i].available)
            continue;
        REQUIRE(ways[i].unmask(out + offset, payload, len, data) == is_ascii);
        REQUIRE(memcmp(out + offset, expected, len) == 0);
    }
    uint8_t key[4];
    memcpy(key, data, 4);
    int first = fs_unmask(out + offset, payload, cut, key);
    fs_key_advance(key, cut);
    int second = fs_unmask(out + offset + cut, payload + cut, len - cut, key);
    REQUIRE((first && second) == is_ascii);
    REQUIRE(memcmp(out + offset, expected, len) == 0);
    free(expected);
    free(out);
    return 0;
}
