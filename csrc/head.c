#include "head.h"

#include <stdlib.h>
#include <string.h>

#include "debug.h"
#include "names.h"

enum { GOT_HEAD = 1, GOT_END = 2, GOT_LAST_CHUNK = 4 };

enum {
    FIELDS_FIRST = 32,
    SAVED_FIRST = 1024,
    POOL_MAX = 16,
    SIZE_DIGITS_MAX = 16, /* of a chunk: 64 bits */
};

static fs_head *pool;
static int pool_len;

static fs_head *head_take(void)
{
    fs_head *head = pool;
    if (head != NULL) {
        pool = head->next;
        pool_len--;
    } else {
        head = malloc(sizeof *head);
        if (head == NULL)
            return NULL;
        head->fields = malloc(FIELDS_FIRST * sizeof *head->fields);
        if (head->fields == NULL) {
            free(head);
            return NULL;
        }
        head->field_cap = FIELDS_FIRST;
    }
    head->target.off = head->target.len = 0;
    head->end = 0;
    head->field_count = 0;
    head->next = NULL;
    return head;
}

static void head_free(fs_head *head)
{
    free(head->fields);
    free(head);
}

void fs_head_pool_clear(void)
{
    while (pool != NULL) {
        fs_head *head = pool;
        pool = head->next;
        head_free(head);
    }
    pool_len = 0;
}

/* Every error of a message goes through here; the value is what an llhttp callback returns to stop. */
static int refuse(fs_parser *parser, int status, const char *reason)
{
    parser->status = (uint16_t)status;
    parser->reason = reason;
    return HPE_USER;
}

static uint32_t offset_of(const fs_parser *parser, const char *at)
{
    return parser->saved_len + (uint32_t)(at - parser->feed);
}

/* Appends a fragment to a span. Fragments of one element adjoin; a gap means that llhttp joined lines. */
static int extend(fs_parser *parser, fs_span *span, uint32_t off, size_t len)
{
    if (span->len == 0)
        span->off = off;
    else if (span->off + span->len != off)
        return refuse(parser, 400, "folded header line");
    span->len += (uint32_t)len;
    return 0;
}

static uint32_t target_end(const fs_head *head)
{
    return head->target.off + head->target.len;
}

static int check_header_bytes(fs_parser *parser, uint32_t end)
{
    if (end - target_end(parser->head) > parser->limits->header_bytes_max)
        return refuse(parser, 431, "header section too large");
    return 0;
}

/* ---- llhttp's callbacks ---- */

static int on_url(llhttp_t *http, const char *at, size_t len)
{
    fs_parser *parser = (fs_parser *)http;
    int error = extend(parser, &parser->head->target, offset_of(parser, at), len);
    if (error == 0 && target_end(parser->head) > parser->limits->request_line_bytes_max)
        error = refuse(parser, 414, "request target too long");
    return error;
}

static int on_trailer_name(fs_parser *parser, const char *at, size_t len)
{
    if (!parser->name_open) {
        parser->name_open = 1;
        parser->trailer_name_len = 0;
        if (parser->trailer_count >= parser->limits->header_count_max)
            return refuse(parser, 431, "too many trailer fields");
        parser->trailer_count++;
    }
    for (size_t i = 0; i < len && parser->trailer_name_len < sizeof parser->trailer_name; i++)
        parser->trailer_name[parser->trailer_name_len++] = at[i];
    return 0;
}

static int on_header_field(llhttp_t *http, const char *at, size_t len)
{
    fs_parser *parser = (fs_parser *)http;
    fs_head *head = parser->head;
    if (parser->in_body)
        return on_trailer_name(parser, at, len);
    if (!parser->name_open) {
        if (head->field_count >= parser->limits->header_count_max)
            return refuse(parser, 431, "too many header fields");
        if (head->field_count == head->field_cap) {
            fs_field *grown = realloc(head->fields, 2 * head->field_cap * sizeof *grown);
            if (grown == NULL)
                return refuse(parser, 503, "out of memory");
            head->fields = grown;
            head->field_cap *= 2;
        }
        memset(&head->fields[head->field_count++], 0, sizeof *head->fields);
        parser->name_open = 1;
    }
    uint32_t off = offset_of(parser, at);
    int error = extend(parser, &head->fields[head->field_count - 1].name, off, len);
    return error ? error : check_header_bytes(parser, off + (uint32_t)len);
}

static int on_header_value(llhttp_t *http, const char *at, size_t len)
{
    fs_parser *parser = (fs_parser *)http;
    if (parser->in_body || len == 0)
        return 0;
    fs_head *head = parser->head;
    uint32_t off = offset_of(parser, at);
    int error = extend(parser, &head->fields[head->field_count - 1].value, off, len);
    return error ? error : check_header_bytes(parser, off + (uint32_t)len);
}

static int on_header_value_complete(llhttp_t *http)
{
    ((fs_parser *)http)->name_open = 0;
    return 0;
}

static int trailer_forbidden(const fs_parser *parser)
{
    switch (fs_name_find(parser->trailer_name, parser->trailer_name_len)) {
    case FS_NAME_CONTENT_LENGTH:
    case FS_NAME_TRANSFER_ENCODING:
    case FS_NAME_HOST:
        return 1;
    default:
        return 0;
    }
}

static int on_header_field_complete(llhttp_t *http)
{
    fs_parser *parser = (fs_parser *)http;
    if (parser->in_body && trailer_forbidden(parser))
        return refuse(parser, 400, "forbidden field in the trailer section");
    return 0;
}

static int on_headers_complete(llhttp_t *http)
{
    fs_parser *parser = (fs_parser *)http;
    parser->flags |= GOT_HEAD;
    /* No protocol changes inside llhttp: a request that asks for an upgrade is framed like any other, so that its
     * body is a body, and the request behind it a request (RFC 9110, 7.8: the server may ignore Upgrade). */
    http->upgrade = 0;
    if ((http->flags & (F_CHUNKED | F_TRANSFER_ENCODING)) == 0 && http->content_length == 0)
        return 0; /* on_message_complete follows at once, and pauses */
    return HPE_PAUSED;
}

static int on_message_complete(llhttp_t *http)
{
    ((fs_parser *)http)->flags |= GOT_END;
    return HPE_PAUSED;
}

/* The line before a chunk's data: no limit of llhttp's bounds its extension, nor leading zeros of its size. */
static int check_chunk_line(fs_parser *parser, uint32_t framing)
{
    uint32_t size_end = parser->has_extension ? parser->extension_at : framing - (framing > 2 ? 2 : 0);
    if (size_end > 2 + SIZE_DIGITS_MAX)
        return refuse(parser, 400, "chunk size too long");
    if (parser->has_extension && framing - size_end > parser->limits->chunk_extension_bytes_max + 2)
        return refuse(parser, 400, "chunk extension too long");
    return 0;
}

static int on_chunk_extension(llhttp_t *http, const char *at, size_t len)
{
    fs_parser *parser = (fs_parser *)http;
    if (len > 0 && !parser->has_extension) {
        parser->has_extension = 1;
        parser->extension_at = parser->framing + (uint32_t)(at - parser->mark) - 1; /* its semicolon */
    }
    return 0;
}

static int on_chunk_header(llhttp_t *http)
{
    fs_parser *parser = (fs_parser *)http;
    if (http->content_length != 0)
        return 0; /* on_body checks the line when it sees where the data begins */
    parser->flags |= GOT_LAST_CHUNK;
    return HPE_PAUSED; /* the pause tells where the line ended */
}

static int gather(fs_parser *parser, const char *at, size_t len)
{
    size_t need = parser->body_len + len;
    if (parser->gathered_cap < need) {
        size_t cap = need < 4096 ? 4096 : need + need / 2;
        char *grown = realloc(parser->gathered, cap);
        if (grown == NULL)
            return refuse(parser, 503, "out of memory");
        if (parser->body == parser->gathered)
            parser->body = grown;
        parser->gathered = grown;
        parser->gathered_cap = cap;
    }
    if (parser->body != parser->gathered) {
        memcpy(parser->gathered, parser->body, parser->body_len);
        parser->body = parser->gathered;
    }
    memcpy(parser->gathered + parser->body_len, at, len);
    parser->body_len = need;
    return 0;
}

static int on_body(llhttp_t *http, const char *at, size_t len)
{
    fs_parser *parser = (fs_parser *)http;
    if (len == 0)
        return 0;
    if (parser->chunked) {
        int error = check_chunk_line(parser, parser->framing + (uint32_t)(at - parser->mark));
        if (error)
            return error;
        parser->framing = 0;
        parser->has_extension = 0;
        parser->mark = at + len;
    }
    if (parser->body_len == 0) {
        parser->body = at;
        parser->body_len = len;
        return 0;
    }
    return gather(parser, at, len); /* behind another chunk: chunks never adjoin */
}

static const llhttp_settings_t settings = {
    .on_url = on_url,
    .on_header_field = on_header_field,
    .on_header_value = on_header_value,
    .on_header_field_complete = on_header_field_complete,
    .on_header_value_complete = on_header_value_complete,
    .on_headers_complete = on_headers_complete,
    .on_chunk_extension_name = on_chunk_extension,
    .on_chunk_extension_value = on_chunk_extension,
    .on_chunk_header = on_chunk_header,
    .on_body = on_body,
    .on_message_complete = on_message_complete,
};

/* ---- the parser ---- */

void fs_parser_init(fs_parser *parser, const fs_limits *limits)
{
    memset(parser, 0, sizeof *parser);
    llhttp_init(&parser->http, HTTP_REQUEST, &settings);
    /* Whether the connection goes on is for rules.c to say. llhttp would stop after Proxy-Connection: close, and after
     * a trailer field named Connection. */
    llhttp_set_lenient_keep_alive(&parser->http, 1);
    parser->limits = limits;
}

void fs_parser_release_head(fs_parser *parser)
{
    fs_head *head = parser->head;
    if (head != NULL) {
        parser->head = NULL;
        if (pool_len < POOL_MAX) {
            head->next = pool;
            pool = head;
            pool_len++;
        } else {
            head_free(head);
        }
    }
    free(parser->saved);
    parser->saved = NULL;
    parser->saved_len = parser->saved_cap = 0;
}

void fs_parser_release_body(fs_parser *parser)
{
    free(parser->gathered);
    parser->gathered = NULL;
    parser->gathered_cap = 0;
}

void fs_parser_destroy(fs_parser *parser)
{
    fs_parser_release_head(parser);
    fs_parser_release_body(parser);
}

int fs_parser_head_begun(const fs_parser *parser)
{
    if (parser->in_body)
        return 0;
    for (uint32_t i = 0; i < parser->saved_len; i++)
        if (parser->saved[i] != '\r' && parser->saved[i] != '\n')
            return 1;
    return 0;
}

static int save(fs_parser *parser, const char *data, size_t len)
{
    size_t need = parser->saved_len + len;
    if (need > parser->saved_cap) {
        size_t cap = parser->saved_cap ? parser->saved_cap : SAVED_FIRST;
        while (cap < need)
            cap *= 2;
        char *grown = realloc(parser->saved, cap);
        if (grown == NULL)
            return refuse(parser, 503, "out of memory");
        parser->saved = grown;
        parser->saved_cap = (uint32_t)cap;
    }
    memcpy(parser->saved + parser->saved_len, data, len);
    parser->saved_len = (uint32_t)need;
    return 0;
}

static fs_event fail(fs_parser *parser)
{
    if (parser->status == 0)
        refuse(parser, 400, "bad request");
    parser->body_len = 0;
    return FS_ERROR;
}

/* The framing bytes of a chunked body that end at `end`, checked and, at the end of a feed, carried over. */
static int account_framing(fs_parser *parser, const char *end)
{
    if (!parser->chunked)
        return 0;
    parser->framing += (uint32_t)(end - parser->mark);
    parser->mark = end;
    if (!parser->in_trailer)
        return check_chunk_line(parser, parser->framing);
    if (parser->framing > parser->limits->header_bytes_max)
        return refuse(parser, 431, "trailer section too large");
    return 0;
}

/* llhttp reports an element at its end or at the end of a feed, but not when a bad byte cuts it short. What lies before
 * that byte is judged here, so that the answer to a message with two faults does not depend on the cuts either. */
static int check_limits_before(fs_parser *parser, llhttp_errno_t error, const char *stop)
{
    const fs_limits *limits = parser->limits;
    int in_new_name = error == HPE_INVALID_HEADER_TOKEN && !parser->name_open;
    if (parser->in_body) {
        if (in_new_name && parser->trailer_count >= limits->header_count_max)
            return refuse(parser, 431, "too many trailer fields");
        return account_framing(parser, stop);
    }
    uint32_t end = offset_of(parser, stop);
    if (error == HPE_INVALID_URL || parser->head->target.len == 0)
        return end > limits->request_line_bytes_max ? refuse(parser, 414, "request line too long") : 0;
    if (in_new_name && parser->head->field_count >= limits->header_count_max)
        return refuse(parser, 431, "too many header fields");
    return check_header_bytes(parser, end);
}

/* RFC 9110, 15.6.2: a method that the server does not know is 501; a word that is no method is 400. llhttp stops at
 * the first byte that fits no method of its own, so only that one is judged: the rest may not have come. */
static int status_of_method(const char *stop, const char *end)
{
    return stop < end && ((*stop >= 'A' && *stop <= 'Z') || *stop == '-') ? 501 : 400;
}

/* A version that the server does not know is 505; one that a bare LF ends is a broken line. llhttp has consumed that
 * LF, while it does not consume another bad byte. */
static int status_of_version(const fs_parser *parser, const char *data, const char *stop)
{
    return parser->http.method != HTTP_PRI && stop > data && stop[-1] == '\n' ? 400 : 505;
}

static fs_event fail_from_llhttp(fs_parser *parser, llhttp_errno_t error, const char *data, size_t len)
{
    const char *stop = llhttp_get_error_pos(&parser->http);
    FS_ASSERT(stop >= data && stop <= data + len);
    /* What a callback refuses in a head, it refuses for a limit; but not so a forbidden trailer. */
    if (parser->status == 0 || parser->in_body)
        check_limits_before(parser, error, stop);
    if (parser->status != 0)
        return fail(parser);
    const char *reason = llhttp_get_error_reason(&parser->http);
    parser->reason = reason != NULL && reason[0] != '\0' ? reason : "bad request";
    switch (error) {
    case HPE_INVALID_METHOD:
        parser->status = (uint16_t)status_of_method(stop, data + len);
        break;
    case HPE_INVALID_VERSION:
        parser->status = (uint16_t)status_of_version(parser, data, stop);
        break;
    case HPE_PAUSED_H2_UPGRADE:
        parser->status = 505;
        break;
    default:
        parser->status = 400;
    }
    return fail(parser);
}

static fs_event finish_head(fs_parser *parser, const char *data, size_t taken)
{
    parser->head->end = parser->saved_len + (uint32_t)taken;
    if (check_header_bytes(parser, parser->head->end))
        return fail(parser);
    if (parser->saved_len > 0) {
        if (save(parser, data, taken))
            return fail(parser);
        parser->base = parser->saved;
    } else {
        parser->base = data;
    }
    parser->chunked = 0;
    if (parser->flags & GOT_END)
        return FS_HEAD_END;
    parser->in_body = 1;
    parser->chunked = (parser->http.flags & F_CHUNKED) != 0;
    parser->framing = 2; /* the first size line has no CRLF of an earlier chunk before it */
    parser->has_extension = 0;
    parser->in_trailer = 0;
    parser->trailer_count = 0;
    parser->name_open = 0;
    return FS_HEAD;
}

static fs_event unfinished(fs_parser *parser, const char *data, size_t len)
{
    if (parser->in_body)
        return account_framing(parser, data + len) ? fail(parser) : FS_MORE;
    if (len == 0)
        return FS_MORE;
    if (save(parser, data, len))
        return fail(parser);
    if (parser->head->target.len > 0) {
        if (check_header_bytes(parser, parser->saved_len))
            return fail(parser);
    } else if (parser->saved_len > parser->limits->request_line_bytes_max) {
        refuse(parser, 414, "request line too long"); /* a flood of empty lines */
        return fail(parser);
    }
    return FS_MORE;
}

fs_event fs_parser_feed(fs_parser *parser, const char *data, size_t len, size_t *consumed)
{
    parser->body = NULL;
    parser->body_len = 0;
    *consumed = len;
    if (parser->status != 0)
        return FS_ERROR;
    FS_ASSERT(parser->in_body || parser->head == NULL || parser->head->end == 0); /* the last head was released */
    if (!parser->in_body && parser->head == NULL) {
        parser->head = head_take();
        if (parser->head == NULL) {
            refuse(parser, 503, "out of memory");
            return fail(parser);
        }
        parser->name_open = 0;
    }
    parser->feed = parser->mark = data;
    const char *from = data;
    for (;;) {
        parser->flags = 0;
        llhttp_errno_t error = llhttp_execute(&parser->http, from, (size_t)(data + len - from));
        if (error == HPE_OK)
            return unfinished(parser, data, len);
        if (error != HPE_PAUSED)
            return fail_from_llhttp(parser, error, data, len);
        from = llhttp_get_error_pos(&parser->http);
        llhttp_resume(&parser->http);
        FS_ASSERT(from >= data && from <= data + len);
        if (!(parser->flags & GOT_LAST_CHUNK))
            break;
        if (account_framing(parser, from))
            return fail(parser);
        parser->in_trailer = 1;
        parser->framing = 0;
        parser->has_extension = 0;
    }
    *consumed = (size_t)(from - data);
    if (parser->flags & GOT_HEAD)
        return finish_head(parser, data, *consumed);
    if (account_framing(parser, from))
        return fail(parser);
    parser->in_body = 0;
    return FS_END;
}
