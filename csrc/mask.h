/* mask.h: how is a WebSocket payload unmasked? (RFC 6455, 5.3)
 *
 * A client XORs its payload with four bytes of its choice, again and again. This is the one thing that is done to every
 * byte that a client sends, so it is done as wide as the processor goes. While the bytes are in hand, they also tell
 * whether they are all ASCII, which a text is most of the time.
 */
#ifndef FS_MASK_H
#define FS_MASK_H

#include <stddef.h>
#include <stdint.h>

/* XORs len bytes of src with the key into dst, beginning with the key's first byte. dst and src are the same, or do not
 * overlap; neither needs an alignment. Returns whether every byte written is ASCII. */
int fs_unmask(void *dst, const void *src, size_t len, const uint8_t key[4]);

/* The key from its byte `len % 4` on: what the bytes behind the first len are masked with. */
void fs_key_advance(uint8_t key[4], size_t len);

/* One way to do it. Every one gives the same bytes; fs_unmask takes the widest that the processor has and the length is
 * worth. */
typedef struct {
    const char *name;
    int (*unmask)(void *dst, const void *src, size_t len, const uint8_t key[4]);
    int available; /* on this processor */
} fs_unmasker;

/* All that were compiled, `count` of them; the first needs nothing but C. For the tests. */
const fs_unmasker *fs_unmaskers(size_t *count);

#endif
