/* utf8.h: is this UTF-8, as far as it has come? (RFC 3629)
 *
 * A text arrives in pieces that end anywhere, also within a character. What can no longer become UTF-8 is seen at the
 * byte that spoils it, so that a WebSocket connection is failed at once (RFC 6455, 8.1) and not at the message's end.
 */
#ifndef FS_UTF8_H
#define FS_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Where in a character the text stands. All zero: between two. */
typedef struct {
    uint8_t missing; /* bytes that the character still needs */
    uint8_t low;     /* the next of them is from low ... */
    uint8_t high;    /* ... to high */
} fs_utf8;

/* Takes a piece: 0, or -1 if no text goes on like this (then the state has no meaning any more). */
int fs_utf8_feed(fs_utf8 *state, const void *data, size_t len);

/* Whether the text may end here. */
static inline int fs_utf8_is_complete(const fs_utf8 *state)
{
    return state->missing == 0;
}

#endif
