#include "body.h"

#include <stdlib.h>
#include <string.h>

#include "names.h"

enum {
    GATHERED_FIRST = 4096,
    SIZE_DIGITS_MAX = 16, /* of a chunk: 64 bits */
};

void fs_body_begin(fs_body *body, int chunked)
{
    body->chunked = (uint8_t)chunked;
    body->framing = 2; /* the first size line has no CRLF of an earlier chunk before it */
    body->has_extension = 0;
    body->in_trailer = 0;
    body->trailer_count = 0;
    body->name_open = 0;
}

void fs_body_release(fs_body *body)
{
    free(body->gathered);
    body->gathered = NULL;
    body->gathered_cap = 0;
}

/* ---- chunks ---- */

/* The line before a chunk's data: no limit of llhttp's bounds its extension, nor leading zeros of its size. */
static int check_chunk_line(const fs_body *body, const fs_limits *limits, uint32_t framing, fs_refusal *refusal)
{
    uint32_t size_end = body->has_extension ? body->extension_at : framing - (framing > 2 ? 2 : 0);
    if (size_end > 2 + SIZE_DIGITS_MAX)
        return fs_refuse(refusal, 400, "chunk size too long");
    if (body->has_extension && framing - size_end > limits->chunk_extension_bytes_max + 2)
        return fs_refuse(refusal, 400, "chunk extension too long");
    return 0;
}

void fs_body_add_extension(fs_body *body, const char *at)
{
    if (!body->has_extension) {
        body->has_extension = 1;
        body->extension_at = body->framing + (uint32_t)(at - body->mark) - 1; /* its semicolon */
    }
}

/* Behind another part: chunks never adjoin. */
static int gather(fs_body *body, const char *at, size_t len, fs_refusal *refusal)
{
    size_t need = body->len + len;
    if (body->gathered_cap < need) {
        size_t cap = need < GATHERED_FIRST ? GATHERED_FIRST : need + need / 2;
        char *grown = realloc(body->gathered, cap);
        if (grown == NULL)
            return fs_refuse(refusal, 503, "out of memory");
        if (body->data == body->gathered)
            body->data = grown;
        body->gathered = grown;
        body->gathered_cap = cap;
    }
    if (body->data != body->gathered) {
        memcpy(body->gathered, body->data, body->len);
        body->data = body->gathered;
    }
    memcpy(body->gathered + body->len, at, len);
    body->len = need;
    return 0;
}

int fs_body_add(fs_body *body, const fs_limits *limits, const char *at, size_t len, fs_refusal *refusal)
{
    if (body->chunked) {
        if (check_chunk_line(body, limits, body->framing + (uint32_t)(at - body->mark), refusal))
            return -1;
        body->framing = 0;
        body->has_extension = 0;
        body->mark = at + len;
    }
    if (body->len > 0)
        return gather(body, at, len, refusal);
    body->data = at;
    body->len = len;
    return 0;
}

int fs_body_account_framing(fs_body *body, const fs_limits *limits, const char *end, fs_refusal *refusal)
{
    if (!body->chunked)
        return 0;
    body->framing += (uint32_t)(end - body->mark);
    body->mark = end;
    if (!body->in_trailer)
        return check_chunk_line(body, limits, body->framing, refusal);
    if (body->framing > limits->header_bytes_max)
        return fs_refuse(refusal, 431, "trailer section too large");
    return 0;
}

/* ---- trailers ---- */

void fs_body_begin_trailer(fs_body *body)
{
    body->in_trailer = 1;
    body->framing = 0;
    body->has_extension = 0;
}

int fs_body_check_trailer_count(const fs_body *body, const fs_limits *limits, fs_refusal *refusal)
{
    if (body->trailer_count >= limits->header_count_max)
        return fs_refuse(refusal, 431, "too many trailer fields");
    return 0;
}

int fs_body_add_trailer_name(fs_body *body, const fs_limits *limits, const char *at, size_t len, fs_refusal *refusal)
{
    if (!body->name_open) {
        if (fs_body_check_trailer_count(body, limits, refusal))
            return -1;
        body->trailer_count++;
        body->name_open = 1;
        body->trailer_name_len = 0;
    }
    for (size_t i = 0; i < len && body->trailer_name_len < sizeof body->trailer_name; i++)
        body->trailer_name[body->trailer_name_len++] = at[i];
    return 0;
}

int fs_body_end_trailer_name(const fs_body *body, fs_refusal *refusal)
{
    switch (fs_name_find(body->trailer_name, body->trailer_name_len)) {
    case FS_NAME_CONTENT_LENGTH:
    case FS_NAME_TRANSFER_ENCODING:
    case FS_NAME_HOST:
        return fs_refuse(refusal, 400, "forbidden field in the trailer section");
    default:
        return 0;
    }
}
