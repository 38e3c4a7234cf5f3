/* How is a payload unmasked? Every way gives what one byte after the other gives. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "mask.h"

enum { LEN_MAX = 300, OFFSETS = 9 };

static const uint8_t key[4] = {0x37, 0xfa, 0x21, 0x3d};

/* In blocks of exactly the promised size, shifted off every alignment; in place too. */
static void check_unmasker(const fs_unmasker *way, const uint8_t *bytes, size_t len, size_t offset)
{
    uint8_t *in = malloc(offset + len + 1), *out = malloc(offset + len + 1), expected[LEN_MAX];
    if (in == NULL || out == NULL)
        abort();
    int is_ascii = 1;
    for (size_t i = 0; i < len; i++) {
        expected[i] = bytes[i] ^ key[i % 4];
        is_ascii = is_ascii && expected[i] < 0x80;
    }
    memcpy(in + offset, bytes, len);
    in[offset + len] = out[offset + len] = 0x5a;
    CHECK_INT(is_ascii, way->unmask(out + offset, in + offset, len, key));
    CHECK_BYTES((const char *)expected, len, (const char *)out + offset, len);
    CHECK_BYTES((const char *)bytes, len, (const char *)in + offset, len);
    CHECK_INT(is_ascii, way->unmask(in + offset, in + offset, len, key));
    CHECK_BYTES((const char *)expected, len, (const char *)in + offset, len);
    CHECK(in[offset + len] == 0x5a && out[offset + len] == 0x5a);
    free(in);
    free(out);
}

static void test_every_way(void)
{
    size_t count;
    const fs_unmasker *ways = fs_unmaskers(&count);
    uint8_t bytes[LEN_MAX];
    CHECK(count >= 1 && ways[0].available);
    for (size_t i = 0; i < count; i++) {
        check_case = ways[i].name;
        if (!ways[i].available)
            continue;
        for (size_t len = 0; len <= LEN_MAX; len++) {
            for (size_t j = 0; j < len; j++)
                bytes[j] = (uint8_t)((j * 167 + len) % 0x80) ^ key[j % 4];
            check_unmasker(&ways[i], bytes, len, len % OFFSETS);
        }
    }
}

/* One byte that is no ASCII is seen, wherever it stands. */
static void test_ascii(void)
{
    size_t count;
    const fs_unmasker *ways = fs_unmaskers(&count);
    uint8_t bytes[LEN_MAX];
    for (size_t i = 0; i < count; i++) {
        check_case = ways[i].name;
        for (size_t at = 0; ways[i].available && at < 200; at++) {
            for (size_t j = 0; j < 200; j++)
                bytes[j] = (j == at ? 0x80 : 0x7f) ^ key[j % 4];
            check_unmasker(&ways[i], bytes, 200, 1);
        }
    }
}

static void test_the_chosen_way(void)
{
    check_case = "fs_unmask";
    fs_unmasker chosen = {"fs_unmask", fs_unmask, 1};
    uint8_t bytes[LEN_MAX];
    memset(bytes, 0x41, sizeof bytes);
    for (size_t len = 0; len <= LEN_MAX; len++)
        check_unmasker(&chosen, bytes, len, 3);
}

/* In pieces it is the same as at once. */
static void test_advance(void)
{
    check_case = "in pieces";
    uint8_t bytes[64], whole[64], pieces[64];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 31);
    fs_unmask(whole, bytes, sizeof bytes, key);
    for (size_t cut = 0; cut <= sizeof bytes; cut++) {
        uint8_t rest[4];
        memcpy(rest, key, 4);
        fs_unmask(pieces, bytes, cut, rest);
        fs_key_advance(rest, cut);
        fs_unmask(pieces + cut, bytes + cut, sizeof bytes - cut, rest);
        CHECK_BYTES((char *)whole, sizeof whole, (char *)pieces, sizeof pieces);
    }
}

int main(void)
{
    test_every_way();
    test_ascii();
    test_the_chosen_way();
    test_advance();
    return check_end("test_mask");
}
