/* wsframe.h: where does a WebSocket frame begin and end, and may it stand there? (RFC 6455, 5)
 *
 * Reads frame heads as they arrive, in pieces that end anywhere, and holds the client to the protocol: masked, known
 * opcodes, no reserved bits but the one that was negotiated, control frames short and whole, a continuation only where
 * a message has begun. It keeps the head in hand and four bytes of key, and allocates nothing; how large a message may
 * be is the caller's question, who is asked after every head.
 */
#ifndef FS_WSFRAME_H
#define FS_WSFRAME_H

#include <stddef.h>
#include <stdint.h>

enum {
    FS_WS_CONTINUATION = 0x0,
    FS_WS_TEXT = 0x1,
    FS_WS_BINARY = 0x2,
    FS_WS_CLOSE = 0x8,
    FS_WS_PING = 0x9,
    FS_WS_PONG = 0xa,
};

enum {
    FS_WS_HEAD_BYTES_MAX = 14,
    FS_WS_CONTROL_BYTES_MAX = 125, /* RFC 6455, 5.5 */
};

typedef struct {
    uint64_t left;    /* of the frame's payload */
    const char *error;
    uint8_t in_frame; /* a head is complete, its payload not yet taken */
    uint8_t opcode;
    uint8_t fin;
    uint8_t message;    /* the opcode of the message that has begun, or 0 */
    uint8_t compressed; /* the message that has begun is (RFC 7692, 6) */
    uint8_t may_compress;
    uint8_t key[4];
    uint8_t head_len; /* of a head that has come in part */
    uint8_t head[FS_WS_HEAD_BYTES_MAX];
} fs_ws_reader;

typedef enum {
    FS_WS_MORE,  /* all bytes are used, the head is not complete */
    FS_WS_HEAD,  /* opcode, fin, left, message and compressed are those of a new frame; take its payload */
    FS_WS_ERROR, /* the client breaks the protocol: `error` says how; close by 1002 */
} fs_ws_event;

void fs_ws_reader_init(fs_ws_reader *reader, int may_compress);

/* Reads on in a head; to be called between frames only. `used` of the bytes belong to it. */
fs_ws_event fs_ws_read_head(fs_ws_reader *reader, const char *data, size_t len, size_t *used);

/* Takes the next len bytes of the payload, at most `left`, unmasked into dst (NULL: nobody wants them). Returns whether
 * they are all ASCII. With the last one the frame ends, and with the last of a final frame its message. */
int fs_ws_take(fs_ws_reader *reader, char *dst, const char *src, size_t len);

/* Whether the frame in hand belongs to a message, and is not one of the control frames in between. */
static inline int fs_ws_is_data(const fs_ws_reader *reader)
{
    return reader->opcode < FS_WS_CLOSE;
}

/* Writes the head of an unmasked frame; returns its length, 10 at most. */
size_t fs_ws_put_head(char *out, int opcode, int fin, int compressed, uint64_t len);

/* Whether a peer may send this close code (RFC 6455, 7.4; IANA's registry of close codes). */
int fs_ws_close_code_is_valid(int code);

#endif
