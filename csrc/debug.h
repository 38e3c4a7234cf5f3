/* debug.h: is this a debug build?
 *
 * FS_DEBUG comes from the build (FASTSERVE_DEBUG=1). It is a constant in every build, so that a branch on it
 * costs nothing in a release.
 */
#ifndef FS_DEBUG_H
#define FS_DEBUG_H

#ifndef FS_DEBUG
#define FS_DEBUG 0
#endif

#if FS_DEBUG
#include <assert.h>
#define FS_ASSERT(condition) assert(condition)
#else
#define FS_ASSERT(condition) ((void)0)
#endif

#endif
