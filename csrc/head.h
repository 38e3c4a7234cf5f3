/* head.h: where are the parts of this message?
 *
 * llhttp reads the bytes; its callbacks note offsets and lengths and do nothing else. No allocation happens in a
 * callback but the growth of an array that has a limit, and no Python is known here, so this file fuzzes alone.
 *
 * A parser is fed with fs_parser_feed, which returns after a head, after a message, at an error, or when it has
 * read all it was given. Offsets count from the first byte of the message; the caller reads them against
 * parser.base, which points either into the bytes just fed (a head that came in one piece is never copied) or into
 * the parser's own copy of a head that came in several.
 *
 * Limits are judged by offset, so that the answer to a message does not depend on where its bytes were cut.
 */
#ifndef FS_HEAD_H
#define FS_HEAD_H

#include <stddef.h>
#include <stdint.h>

#include "llhttp.h"

typedef struct {
    uint32_t off; /* from the first byte of the message */
    uint32_t len;
} fs_span;

typedef struct {
    fs_span name;
    fs_span value;
    uint8_t id; /* enum fs_name_id, set by fs_judge */
} fs_field;

/* A recorder. Idle connections hold none; see fs_parser_feed and fs_parser_release_head. */
typedef struct fs_head {
    fs_span target;
    uint32_t end;         /* length of the whole head, its empty line included */
    uint32_t field_count;
    uint32_t field_cap;
    fs_field *fields;
    struct fs_head *next; /* in the pool */
} fs_head;

/* All in bytes, but header_count_max. */
typedef struct {
    uint32_t request_line_bytes_max; /* up to the end of the target */
    uint32_t header_bytes_max;       /* from there to the end of the head; the trailer section, likewise */
    uint32_t header_count_max;       /* of a head, and of a trailer section */
    uint32_t chunk_extension_bytes_max; /* of one chunk; what its size leaves of sixteen digits is granted as well */
} fs_limits;

typedef enum {
    FS_MORE,     /* all bytes taken; parser.body may hold a part of the body */
    FS_HEAD,     /* a head whose body follows */
    FS_HEAD_END, /* a head, and with it the whole message */
    FS_END,      /* the end of a message; parser.body may hold its last part */
    FS_ERROR,    /* parser.status and parser.reason say what is wrong; every later feed gives the same */
} fs_event;

typedef struct {
    llhttp_t http; /* first, so that a callback's argument is the parser */
    const fs_limits *limits;
    fs_head *head;
    const char *base; /* what the offsets of head count from; valid after FS_HEAD and FS_HEAD_END */

    char *saved; /* the bytes of an unfinished head that earlier feeds brought */
    uint32_t saved_len;
    uint32_t saved_cap;

    const char *body; /* this feed's part of the body: in the bytes fed, or in `gathered` */
    size_t body_len;
    char *gathered;
    size_t gathered_cap;

    const char *feed; /* the bytes being fed */
    const char *mark; /* end of the last body bytes in them */
    uint32_t framing; /* bytes since the last body byte, of earlier feeds: CRLF, a size, its extension, CRLF */
    uint32_t extension_at; /* where in them the extension begins */

    const char *reason;
    uint16_t status;
    uint16_t trailer_count;
    uint8_t in_body;
    uint8_t chunked;
    uint8_t flags; /* of this feed */
    uint8_t name_open;
    uint8_t has_extension;
    uint8_t in_trailer;
    uint8_t trailer_name_len;
    char trailer_name[20]; /* enough to know the longest forbidden one */
} fs_parser;

void fs_parser_init(fs_parser *parser, const fs_limits *limits);

/* Frees what the parser holds. It may be called twice. */
void fs_parser_destroy(fs_parser *parser);

/* Reads at most one head or the end of one message. *consumed tells how many bytes were taken; the caller feeds the
 * others again once it is done with the event. len may be 0. */
fs_event fs_parser_feed(fs_parser *parser, const char *data, size_t len, size_t *consumed);

/* The head has been read: lend the recorder to the next connection, free the copy. */
void fs_parser_release_head(fs_parser *parser);

/* The body of a whole message has been read: free the memory that joined its chunks. */
void fs_parser_release_body(fs_parser *parser);

/* Whether a part of a head has arrived. Empty lines are none: some clients send one behind a body. */
int fs_parser_head_begun(const fs_parser *parser);

/* Frees the recorders that wait in the pool (at exit, and for tests that count memory). */
void fs_head_pool_clear(void);

#endif
