/* bounds.h: how much of a message is read, and what is said to the rest?
 *
 * Limits are judged by offset, so that the answer to a message does not depend on where its bytes were cut.
 */
#ifndef FS_BOUNDS_H
#define FS_BOUNDS_H

#include <stdint.h>

/* All in bytes, but header_count_max. */
typedef struct {
    uint32_t request_line_bytes_max; /* up to the end of the target */
    uint32_t header_bytes_max;       /* from there to the end of the head; the trailer section, likewise */
    uint32_t header_count_max;       /* of a head, and of a trailer section */
    uint32_t chunk_extension_bytes_max; /* of one chunk; what its size leaves of sixteen digits is granted as well */
} fs_limits;

/* Why a message is not read on. Functions that check return 0, or fs_refuse's value. */
typedef struct {
    uint16_t status;    /* of the answer; 0: nothing is wrong */
    const char *reason; /* for the log */
} fs_refusal;

static inline int fs_refuse(fs_refusal *refusal, uint16_t status, const char *reason)
{
    refusal->status = status;
    refusal->reason = reason;
    return -1;
}

#endif
