/* parser.h: where does what begin and end?
 *
 * llhttp reads the bytes; its callbacks hand offsets and lengths to a recorder (head.h) and parts of the body to their
 * account (body.h), and do nothing else. No Python is known here, so this fuzzes alone.
 *
 * A parser is fed with fs_parser_feed, which returns after a head, after a message, at an error, or when it has
 * read all it was given. Offsets count from the first byte of the message; the caller reads them against
 * parser.base, which points either into the bytes just fed (a head that came in one piece is never copied) or into
 * the parser's own copy of a head that came in several.
 */
#ifndef FS_PARSER_H
#define FS_PARSER_H

#include <stddef.h>
#include <stdint.h>

#include "body.h"
#include "head.h"
#include "bounds.h"
#include "llhttp.h"

typedef enum {
    FS_MORE,     /* all bytes taken; parser.body may hold a part of the body */
    FS_HEAD,     /* a head whose body follows */
    FS_HEAD_END, /* a head, and with it the whole message */
    FS_END,      /* the end of a message; parser.body may hold its last part */
    FS_ERROR,    /* parser.refusal says what is wrong; every later feed gives the same */
} fs_event;

typedef struct {
    llhttp_t http; /* first, so that a callback's argument is the parser */
    const fs_limits *limits;
    fs_head *head;    /* lent while there is one; see fs_parser_release_head */
    const char *base; /* what the offsets of head count from; valid after FS_HEAD and FS_HEAD_END */

    char *saved; /* the bytes of an unfinished head that earlier feeds brought */
    uint32_t saved_len;
    uint32_t saved_cap;

    const char *feed; /* the bytes being fed */
    fs_refusal refusal;
    uint8_t flags; /* of this feed */
    uint8_t in_body;
    fs_body body;
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

#endif
