/* body.h: which of these bytes are the body, and how much framing stands between them?
 *
 * llhttp finds the body's bytes. What it does not bound is counted here: the lines before chunks and the trailer
 * section (RFC 9112, 7.1), by the bytes that lie between the parts of the body.
 */
#ifndef FS_BODY_H
#define FS_BODY_H

#include <stddef.h>
#include <stdint.h>

#include "bounds.h"

typedef struct {
    const char *data; /* this feed's part of the body: in the bytes fed, or in `gathered` */
    size_t len;
    size_t dropped; /* with an error: how long this feed's part was that came before it */
    char *gathered;
    size_t gathered_cap;

    const char *mark;      /* end of the last body bytes in the bytes being fed */
    uint32_t framing;      /* bytes since the last body byte, of earlier feeds: CRLF, a size, its extension, CRLF */
    uint32_t extension_at; /* where in them the extension begins */

    uint8_t chunked;
    uint8_t has_extension;
    uint8_t in_trailer;
    uint8_t name_open; /* of a trailer: more of it may come */
    uint16_t trailer_count;
    uint8_t trailer_name_len;
    char trailer_name[20]; /* enough to know the longest forbidden one */
} fs_body;

/* A message's body begins. */
void fs_body_begin(fs_body *body, int chunked);

/* A feed begins, with no part of the body yet. */
static inline void fs_body_begin_feed(fs_body *body, const char *data)
{
    body->data = NULL;
    body->len = 0;
    body->mark = data;
}

/* Body bytes, len > 0. A feed's parts are joined to one. */
int fs_body_add(fs_body *body, const fs_limits *limits, const char *at, size_t len, fs_refusal *refusal);

/* A fragment of a chunk's extension, behind its semicolon; it may be empty. */
void fs_body_add_extension(fs_body *body, const char *at);

/* The line of the last chunk has ended. */
void fs_body_begin_trailer(fs_body *body);

/* A fragment of a trailer field's name; then the end of the name; then the end of the field. */
int fs_body_add_trailer_name(fs_body *body, const fs_limits *limits, const char *at, size_t len, fs_refusal *refusal);
int fs_body_end_trailer_name(const fs_body *body, fs_refusal *refusal);

static inline void fs_body_end_trailer(fs_body *body)
{
    body->name_open = 0;
}

/* May there be one trailer field more? */
int fs_body_check_trailer_count(const fs_body *body, const fs_limits *limits, fs_refusal *refusal);

/* The framing bytes that end at `end`, checked and, at the end of a feed, carried over. */
int fs_body_account_framing(fs_body *body, const fs_limits *limits, const char *end, fs_refusal *refusal);

/* Frees the memory that joined the parts. It may be called twice. */
void fs_body_release(fs_body *body);

#endif
