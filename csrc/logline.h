/* logline.h: how is what a client sent spelled in a log?
 *
 * A log line is one line, whatever a client sent, and shows no terminal a control sequence: every byte that is not a
 * visible ASCII character or a space, and the quote and the backslash, become \xHH.
 */
#ifndef FS_LOGLINE_H
#define FS_LOGLINE_H

#include <stddef.h>

/* Writes at most 4 * len bytes; returns how many. */
size_t fs_log_escape(char *out, const char *text, size_t len);

#endif
