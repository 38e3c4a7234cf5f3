/* transcript.h: what did the parser make of these bytes?
 *
 * The bytes are fed in pieces, each in a block of memory of its own size, so that a sanitizer sees any byte read
 * outside of it. What the parser reports is written down in a form that does not show the pieces: two transcripts of
 * the same bytes must be equal, whatever the cuts. `text` has a line for every event:
 *
 *     POST /a HTTP/1.1 {Host: a} {Content-Length: 5} @58     a head, its fields, its length; a body follows
 *     end "hello"                                            the end of that message, with its body
 *     GET /b HTTP/1.1 {Host: a} @30 end                      a head that is the whole message
 *     more | idle                                            the bytes ended inside, or between messages
 *     400                                                    an error of the parser, for `reason`
 *
 * A judged head is followed by its verdict: `  path=/a query= length=5`, and more words where they apply, or by
 * `  400 no Host`, at which the transcript ends. It also ends after a message whose verdict does not keep the
 * connection alive, with the line `closed`.
 */
#ifndef FS_TRANSCRIPT_H
#define FS_TRANSCRIPT_H

#include <stddef.h>

#include "parser.h"
#include "rules.h"

typedef struct {
    char *text;        /* the lines */
    char *spans;       /* every offset and length, as numbers */
    char *body;        /* of the message that did not reach its end */
    size_t body_len;
    int status;        /* of the error or the refusal, or 0 */
    const char *reason;
    const char *fault; /* a promise of parser.h that was broken, or NULL */
} transcript;

/* Called with every served head, before the parser reads on; for a target's own invariants. */
typedef void (*transcript_hook)(const fs_parser *parser, const fs_verdict *verdict);

typedef struct {
    const fs_limits *limits;
    int judged; /* run fs_judge_parser on every head, as a connection does */
    transcript_hook on_served;
} transcript_options;

/* Feeds bytes[0, len) cut at the ascending offsets of `cuts`; two equal offsets feed an empty piece between them. */
transcript transcript_of(const transcript_options *options, const char *bytes, size_t len, const size_t *cuts,
                         size_t cut_count);

void transcript_free(transcript *t);

/* NULL if the two are equal, else what differs. Of a message that ends in an error the parser may report less body when
 * its bytes came together with the error. */
const char *transcript_difference(const transcript *a, const transcript *b);

/* The last line of the text, without its line end, in memory that the next call overwrites. */
const char *transcript_last(const transcript *t);

#endif
