#include "names.h"

#include <string.h>

const fs_name fs_names[FS_NAME_COUNT] = {
    {"", 0},
#define X(symbol, text) {text, sizeof(text) - 1},
    FS_NAMES(X)
#undef X
};

#define R4(n) (n), (n) + 1, (n) + 2, (n) + 3
#define R16(n) R4(n), R4((n) + 4), R4((n) + 8), R4((n) + 12)
#define R64(n) R16(n), R16((n) + 16), R16((n) + 32), R16((n) + 48)

const uint8_t fs_lower[256] = {
    R64(0),
    '@', R16('a'), R4('q'), R4('u'), 'y', 'z', '[', '\\', ']', '^', '_',
    R16('`'), R16('p'),
    R64(128), R64(192),
};

enum { SLOTS = 256, LEN_MAX = 32 };

static uint8_t slots[SLOTS];

static unsigned slot_of(const char *name, size_t len)
{
    unsigned first = fs_lower[(uint8_t)name[0]];
    unsigned middle = fs_lower[(uint8_t)name[len / 2]];
    unsigned last = fs_lower[(uint8_t)name[len - 1]];
    return (unsigned)(len * 7 + first * 5 + middle * 3 + last * 11) % SLOTS;
}

/* Each extension module links its own copy of this file, so the table fills itself when one is loaded. */
__attribute__((constructor)) static void fill_slots(void)
{
    for (int id = 1; id < FS_NAME_COUNT; id++) {
        unsigned slot = slot_of(fs_names[id].text, fs_names[id].len);
        while (slots[slot] != 0)
            slot = (slot + 1) % SLOTS;
        slots[slot] = (uint8_t)id;
    }
}

int fs_equals_lower(const char *text, const char *lower, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (fs_lower[(uint8_t)text[i]] != (uint8_t)lower[i])
            return 0;
    return 1;
}

int fs_name_find(const char *name, size_t len)
{
    if (len == 0 || len > LEN_MAX)
        return FS_NAME_UNKNOWN;
    for (unsigned slot = slot_of(name, len); slots[slot] != 0; slot = (slot + 1) % SLOTS) {
        const fs_name *known = &fs_names[slots[slot]];
        if (known->len == len && fs_equals_lower(name, known->text, len))
            return slots[slot];
    }
    return FS_NAME_UNKNOWN;
}
