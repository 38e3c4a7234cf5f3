/* head.h: where are the parts of this head?
 *
 * A recorder notes offsets and lengths and does nothing else. Offsets count from the first byte of the message; they
 * are read against parser.base (see parser.h). No allocation happens here but that of recorders and the growth of an
 * array that has a limit.
 */
#ifndef FS_HEAD_H
#define FS_HEAD_H

#include <stddef.h>
#include <stdint.h>

#include "bounds.h"

typedef struct {
    uint32_t off; /* from the first byte of the message */
    uint32_t len;
} fs_span;

typedef struct {
    fs_span name;
    fs_span value;
    uint8_t id; /* enum fs_name_id, set by fs_judge */
} fs_field;

/* A recorder. Idle connections hold none: they take one from a pool, and give it back. */
typedef struct fs_head {
    fs_span target;
    uint32_t end;         /* length of the whole head, its empty line included */
    uint32_t field_count;
    uint32_t field_cap;
    fs_field *fields;
    struct fs_head *next; /* in the pool */
    uint8_t name_open;    /* the last field has no value yet, and its name may go on */
} fs_head;

/* An empty recorder, or NULL when memory is out. */
fs_head *fs_head_take(void);
void fs_head_give_back(fs_head *head);

/* Frees the recorders that wait in the pool (at exit, and for tests that count memory). */
void fs_head_pool_clear(void);

/* Each of these notes a fragment of an element, which begins at `off`. */
int fs_head_add_target(fs_head *head, const fs_limits *limits, uint32_t off, size_t len, fs_refusal *refusal);
int fs_head_add_name(fs_head *head, const fs_limits *limits, uint32_t off, size_t len, fs_refusal *refusal);
int fs_head_add_value(fs_head *head, const fs_limits *limits, uint32_t off, size_t len, fs_refusal *refusal);

static inline void fs_head_end_field(fs_head *head)
{
    head->name_open = 0;
}

/* May the head reach to the offset `end`? */
int fs_head_check_bytes(const fs_head *head, const fs_limits *limits, uint32_t end, fs_refusal *refusal);

/* May it have one field more? */
int fs_head_check_count(const fs_head *head, const fs_limits *limits, fs_refusal *refusal);

#endif
