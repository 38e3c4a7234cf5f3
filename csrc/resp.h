/* resp.h: how is a response head spelled, and is it safe to send?
 *
 * Everything that an application hands over for a head is checked here before a byte of it is written (RFC 9110, 5.1
 * and 5.5): a name is a token, a value holds no control character. So no value can start a line of its own.
 */
#ifndef FS_RESP_H
#define FS_RESP_H

#include <stddef.h>
#include <stdint.h>

/* A growing buffer. All zero is a valid empty one. */
typedef struct {
    char *data;
    size_t len;
    size_t cap;
} fs_buf;

/* Room for `more` bytes behind len. 0, or -1 when memory is out (the buffer is then as before). */
int fs_buf_reserve(fs_buf *buf, size_t more);

void fs_buf_free(fs_buf *buf);

typedef enum {
    FS_FIELD_OK,
    FS_FIELD_BAD_NAME,
    FS_FIELD_BAD_VALUE,
    FS_FIELD_NO_MEMORY,
} fs_field_result;

/* Appends "HTTP/1.1 STATUS REASON CRLF"; status is 100 to 999, a number without a registered reason gets an empty
 * one (RFC 9112, 4). 0, or -1 when memory is out. */
int fs_put_status_line(fs_buf *buf, int status);

/* The same with this reason phrase, which is checked (RFC 9112, 4). Nothing is appended unless it is OK. */
fs_field_result fs_put_reasoned_status_line(fs_buf *buf, int status, const char *reason, size_t reason_len);

/* Checks and appends "name: value CRLF", white space around the value cut off. Nothing is appended unless it is OK. */
fs_field_result fs_put_field(fs_buf *buf, const char *name, size_t name_len, const char *value, size_t value_len);

/* The reason phrase of a status, or "" (RFC 9110, 15; IANA's registry of status codes). */
const char *fs_reason_phrase(int status);

/* A decimal number; returns the digits written, 20 at most. */
size_t fs_put_decimal(char *out, uint64_t number);

/* Reads the decimal Content-Length that an application gave: 0 and *number, or -1. */
int fs_read_decimal(const char *text, size_t len, uint64_t *number);

/* "SIZE CRLF" in hexadecimal, the line before a chunk's data (RFC 9112, 7.1); returns the bytes written, 18 at most. */
size_t fs_put_chunk_size(char *out, uint64_t size);

/* The 29 bytes of an IMF-fixdate (RFC 9110, 5.6.7) for a time since the epoch in seconds. */
void fs_put_date(char *out, int64_t epoch_s);

#endif
