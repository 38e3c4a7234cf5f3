/* failing.h: a malloc and a realloc that can be told to fail.
 *
 * A test includes this file and then the C files in question, whose calls are thereby ours:
 *
 *     #include "failing.h"
 *     #include "../../csrc/head.c"
 */
#ifndef FS_FAILING_H
#define FS_FAILING_H

#include <stdlib.h>

static long failing_after = -1; /* how many calls still succeed; negative: all */
static unsigned long failing_calls;

static inline int failing_now(void)
{
    failing_calls++;
    return failing_after >= 0 && failing_after-- == 0;
}

static inline void *failing_malloc(size_t size)
{
    return failing_now() ? NULL : malloc(size);
}

static inline void *failing_realloc(void *block, size_t size)
{
    return failing_now() ? NULL : realloc(block, size);
}

#define malloc failing_malloc
#define realloc failing_realloc

#endif
