/* answer.h: what does a field that the application gives say of its answer?
 *
 * Most fields are spelled as they are. A few are the server's to write, or tell it how the answer is framed (RFC 9112,
 * 6 and 9.6): those are read here, whoever speaks to the application, and in whichever thread.
 */
#ifndef FS_ANSWER_H
#define FS_ANSWER_H

#include <stddef.h>
#include <stdint.h>

#include "resp.h"

/* What the fields so far have said. All zero: nothing. */
typedef struct {
    uint64_t length;    /* Content-Length, if there is one; below 10^18 */
    uint8_t has_length;
    uint8_t closes;     /* the connection, after this answer */
    uint8_t has_date;
    uint8_t has_server;
} fs_said;

typedef enum {
    FS_ANSWER_OK,
    FS_ANSWER_BAD_NAME,
    FS_ANSWER_BAD_VALUE,
    FS_ANSWER_BAD_LENGTH,     /* Content-Length is no decimal number */
    FS_ANSWER_TWO_LENGTHS,    /* it is not the one that was said before */
    FS_ANSWER_BAD_CODING,     /* Transfer-Encoding other than chunked */
    FS_ANSWER_NO_MEMORY,
} fs_answer_result;

/* Checks a field of an answer with this status, notes what it says, and appends its line, unless the server writes that
 * itself (Connection, Transfer-Encoding) or none is to be sent: a second Content-Length, any in a 1xx or a 204 (RFC
 * 9110, 8.6). Nothing is appended and nothing noted unless it is OK. */
fs_answer_result fs_put_answer_field(fs_buf *buf, fs_said *said, int status, const char *name, size_t name_len,
                                     const char *value, size_t value_len);

#endif
