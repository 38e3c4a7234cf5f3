#include "parser.h"

#include <stdlib.h>
#include <string.h>

#include "debug.h"

enum { GOT_HEAD = 1, GOT_END = 2, GOT_LAST_CHUNK = 4 };

enum { SAVED_FIRST = 1024 };

static uint32_t offset_of(const fs_parser *parser, const char *at)
{
    return parser->saved_len + (uint32_t)(at - parser->feed);
}

/* ---- llhttp's callbacks: 0 to go on ---- */

static int on_url(llhttp_t *http, const char *at, size_t len)
{
    fs_parser *parser = (fs_parser *)http;
    return fs_head_add_target(parser->head, parser->limits, offset_of(parser, at), len, &parser->refusal);
}

/* A line that ends before its target does is one of HTTP/0.9: 505, which llhttp leaves to others. Everywhere else an
 * empty target is one that has not come. */
static int on_url_complete(llhttp_t *http)
{
    return ((fs_parser *)http)->head->target.len > 0 ? 0 : -1;
}

static int on_header_field(llhttp_t *http, const char *at, size_t len)
{
    fs_parser *parser = (fs_parser *)http;
    if (parser->in_body)
        return fs_body_add_trailer_name(&parser->body, parser->limits, at, len, &parser->refusal);
    return fs_head_add_name(parser->head, parser->limits, offset_of(parser, at), len, &parser->refusal);
}

static int on_header_field_complete(llhttp_t *http)
{
    fs_parser *parser = (fs_parser *)http;
    return parser->in_body ? fs_body_end_trailer_name(&parser->body, &parser->refusal) : 0;
}

static int on_header_value(llhttp_t *http, const char *at, size_t len)
{
    fs_parser *parser = (fs_parser *)http;
    if (parser->in_body || len == 0)
        return 0;
    return fs_head_add_value(parser->head, parser->limits, offset_of(parser, at), len, &parser->refusal);
}

static int on_header_value_complete(llhttp_t *http)
{
    fs_parser *parser = (fs_parser *)http;
    if (parser->in_body)
        fs_body_end_trailer(&parser->body);
    else
        fs_head_end_field(parser->head);
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

static int on_chunk_extension(llhttp_t *http, const char *at, size_t len)
{
    (void)len;
    fs_body_add_extension(&((fs_parser *)http)->body, at);
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

static int on_body(llhttp_t *http, const char *at, size_t len)
{
    fs_parser *parser = (fs_parser *)http;
    return len > 0 ? fs_body_add(&parser->body, parser->limits, at, len, &parser->refusal) : 0;
}

static int on_message_complete(llhttp_t *http)
{
    ((fs_parser *)http)->flags |= GOT_END;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_url = on_url,
    .on_url_complete = on_url_complete,
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

/* ---- what the parser holds ---- */

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
    if (parser->head != NULL)
        fs_head_give_back(parser->head);
    parser->head = NULL;
    free(parser->saved);
    parser->saved = NULL;
    parser->saved_len = parser->saved_cap = 0;
}

void fs_parser_release_body(fs_parser *parser)
{
    fs_body_release(&parser->body);
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
            return fs_refuse(&parser->refusal, 503, "out of memory");
        parser->saved = grown;
        parser->saved_cap = (uint32_t)cap;
    }
    memcpy(parser->saved + parser->saved_len, data, len);
    parser->saved_len = (uint32_t)need;
    return 0;
}

/* ---- errors ---- */

static fs_event fail(fs_parser *parser)
{
    FS_ASSERT(parser->refusal.status != 0);
    parser->body.dropped = parser->body.len;
    parser->body.len = 0;
    return FS_ERROR;
}

/* llhttp reports an element at its end or at the end of a feed, but not when a bad byte cuts it short. What lies before
 * that byte is judged here, so that the answer to a message with two faults does not depend on the cuts either. */
static int check_limits_before(fs_parser *parser, llhttp_errno_t error, const char *stop)
{
    const fs_limits *limits = parser->limits;
    const fs_head *head = parser->head;
    fs_refusal *refusal = &parser->refusal;
    int in_name = error == HPE_INVALID_HEADER_TOKEN;
    if (parser->in_body) {
        if (in_name && !parser->body.name_open && fs_body_check_trailer_count(&parser->body, limits, refusal))
            return -1;
        return fs_body_account_framing(&parser->body, limits, stop, refusal);
    }
    uint32_t end = offset_of(parser, stop);
    if (error == HPE_INVALID_URL || head->target.len == 0)
        return end > limits->request_line_bytes_max ? fs_refuse(refusal, 414, "request line too long") : 0;
    if (in_name && !head->name_open && fs_head_check_count(head, limits, refusal))
        return -1;
    return fs_head_check_bytes(head, limits, end, refusal);
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

static int status_of(const fs_parser *parser, llhttp_errno_t error, const char *data, size_t len)
{
    const char *stop = llhttp_get_error_pos(&parser->http);
    switch (error) {
    case HPE_INVALID_METHOD:
        return status_of_method(stop, data + len);
    case HPE_INVALID_VERSION:
        return status_of_version(parser, data, stop);
    case HPE_CB_URL_COMPLETE:
    case HPE_PAUSED_H2_UPGRADE:
        return 505;
    default:
        return 400;
    }
}

static fs_event fail_from_llhttp(fs_parser *parser, llhttp_errno_t error, const char *data, size_t len)
{
    const char *stop = llhttp_get_error_pos(&parser->http);
    FS_ASSERT(stop >= data && stop <= data + len);
    /* What a callback refuses in a head, it refuses for a limit; but not so a forbidden trailer. */
    if (parser->refusal.status == 0 || parser->in_body)
        check_limits_before(parser, error, stop);
    if (parser->refusal.status == 0) {
        const char *reason = error == HPE_CB_URL_COMPLETE ? "unsupported HTTP version"
                                                          : llhttp_get_error_reason(&parser->http);
        fs_refuse(&parser->refusal, (uint16_t)status_of(parser, error, data, len),
                  reason != NULL && reason[0] != '\0' ? reason : "bad request");
    }
    return fail(parser);
}

/* ---- feeding ---- */

static fs_event finish_head(fs_parser *parser, const char *data, size_t taken)
{
    parser->head->end = parser->saved_len + (uint32_t)taken;
    if (fs_head_check_bytes(parser->head, parser->limits, parser->head->end, &parser->refusal))
        return fail(parser);
    if (parser->saved_len > 0) {
        if (save(parser, data, taken))
            return fail(parser);
        parser->base = parser->saved;
    } else {
        parser->base = data;
    }
    parser->body.chunked = 0;
    if (parser->flags & GOT_END)
        return FS_HEAD_END;
    parser->in_body = 1;
    fs_body_begin(&parser->body, (parser->http.flags & F_CHUNKED) != 0);
    return FS_HEAD;
}

static int check_unfinished(fs_parser *parser, const char *data, size_t len)
{
    if (parser->in_body)
        return fs_body_account_framing(&parser->body, parser->limits, data + len, &parser->refusal);
    if (len == 0)
        return 0;
    if (save(parser, data, len))
        return -1;
    if (parser->head->target.len > 0)
        return fs_head_check_bytes(parser->head, parser->limits, parser->saved_len, &parser->refusal);
    if (parser->saved_len > parser->limits->request_line_bytes_max) /* a flood of empty lines */
        return fs_refuse(&parser->refusal, 414, "request line too long");
    return 0;
}

fs_event fs_parser_feed(fs_parser *parser, const char *data, size_t len, size_t *consumed)
{
    fs_body_begin_feed(&parser->body, data);
    *consumed = len;
    if (parser->refusal.status != 0)
        return FS_ERROR;
    FS_ASSERT(parser->in_body || parser->head == NULL || parser->head->end == 0); /* the last head was released */
    if (!parser->in_body && parser->head == NULL) {
        parser->head = fs_head_take();
        if (parser->head == NULL) {
            fs_refuse(&parser->refusal, 503, "out of memory");
            return fail(parser);
        }
    }
    parser->feed = data;
    const char *from = data;
    for (;;) {
        parser->flags = 0;
        llhttp_errno_t error = llhttp_execute(&parser->http, from, (size_t)(data + len - from));
        if (error == HPE_OK)
            return check_unfinished(parser, data, len) ? fail(parser) : FS_MORE;
        if (error != HPE_PAUSED)
            return fail_from_llhttp(parser, error, data, len);
        from = llhttp_get_error_pos(&parser->http);
        llhttp_resume(&parser->http);
        FS_ASSERT(from >= data && from <= data + len);
        if (!(parser->flags & GOT_LAST_CHUNK))
            break;
        if (fs_body_account_framing(&parser->body, parser->limits, from, &parser->refusal))
            return fail(parser);
        fs_body_begin_trailer(&parser->body);
    }
    *consumed = (size_t)(from - data);
    if (parser->flags & GOT_HEAD)
        return finish_head(parser, data, *consumed);
    if (fs_body_account_framing(&parser->body, parser->limits, from, &parser->refusal))
        return fail(parser);
    parser->in_body = 0;
    return FS_END;
}
