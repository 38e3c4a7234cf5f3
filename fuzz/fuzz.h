/* fuzz.h: what every fuzz target shares. A broken invariant prints what it is and aborts. */
#ifndef FS_FUZZ_H
#define FS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                            \
    do {                                                                              \
        if (!(condition)) {                                                           \
            fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #condition);   \
            abort();                                                                  \
        }                                                                             \
    } while (0)

/* A block of exactly this size, so that a sanitizer sees a byte read or written outside of it. */
static inline char *exact_block(size_t size)
{
    char *block = malloc(size > 0 ? size : 1);
    if (block == NULL)
        abort();
    return block;
}

/* Fills `cuts` with ascending offsets into len bytes that `seed` chooses, near to each other and far; how many. */
static inline size_t choose_cuts(uint8_t seed, size_t len, size_t *cuts, size_t cuts_max)
{
    uint32_t state = seed * 2654435761u + 1;
    size_t count = 0;
    for (size_t at = 0; count < cuts_max;) {
        state = state * 1664525u + 1013904223u;
        uint32_t step = state >> 24;
        at += step < 128 ? step % 4 : step;
        if (at > len)
            break;
        cuts[count++] = at;
    }
    return count;
}

#endif
