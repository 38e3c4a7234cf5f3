/* target.h: what path does this target name?
 *
 * ASGI wants the path percent-decoded (and then UTF-8 decoded, which is Python's part).
 */
#ifndef FS_TARGET_H
#define FS_TARGET_H

#include <stddef.h>

/* Whether every byte is ASCII and none is a percent sign: then the path is its own decoding. */
int fs_path_is_plain(const char *path, size_t len);

/* Decodes %XX into `out`, which has room for len bytes, and returns the length written. A percent sign that no two
 * hexadecimal digits follow stays as it is, as urllib.parse.unquote leaves it. */
size_t fs_percent_decode(char *out, const char *path, size_t len);

#endif
