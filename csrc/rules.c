#include "rules.h"

#include <string.h>

#include "names.h"

enum { SERVE = 0 };

typedef struct {
    const char *base;
    fs_head *head;
    fs_verdict *verdict;
    int method;
    int minor;
    const fs_field *host;
    const fs_field *content_length;
    const fs_field *transfer_encoding;
    const fs_field *expect;
    int has_upgrade_field;
    int close;
    int keep_alive;
    int connection_upgrade;
} judge;

static int refuse(judge *j, int status, const char *reason)
{
    j->verdict->status = (uint16_t)status;
    j->verdict->reason = reason;
    return status;
}

/* ---- characters ---- */

enum {
    DIGIT = 1,
    TOKEN = 2,  /* of a field name (RFC 9110, 5.6.2) */
    HOST = 4,   /* of a registered name: unreserved, percent sign, sub-delims (RFC 3986, 3.2.2) */
    TARGET = 8, /* visible, and no number sign, which begins a fragment (RFC 9112, 3.2) */
    VALUE = 16, /* of a field value: visible, space, tab, obs-text (RFC 9110, 5.5) */
};

enum {
    V = VALUE,
    VT = VALUE | TARGET,
    VTT = VT | TOKEN,
    VTH = VT | HOST,
    ALL = VT | TOKEN | HOST,
    NUM = ALL | DIGIT,
};

#define R4(x) x, x, x, x
#define R8(x) R4(x), R4(x)
#define R16(x) R8(x), R8(x)
#define R32(x) R16(x), R16(x)

static const uint8_t kinds[256] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, V, 0, 0, 0, 0, 0, 0, R16(0),
    /*   ! " # $ % & ' */ V, ALL, VT, V | TOKEN, ALL, ALL, ALL, ALL,
    /* ( ) * + , - . / */ VTH, VTH, ALL, ALL, VTH, ALL, ALL, VT,
    /* 0-9 */ R8(NUM), NUM, NUM,
    /* : ; < = > ? */ VT, VTH, VT, VTH, VT, VT,
    /* @ A-Z */ VT, R16(ALL), R8(ALL), ALL, ALL,
    /* [ \ ] ^ _ */ VT, VT, VT, VTT, ALL,
    /* ` a-z */ VTT, R16(ALL), R8(ALL), ALL, ALL,
    /* { | } ~ DEL */ VT, VTT, VT, ALL, 0,
    R32(V), R32(V), R32(V), R32(V),
};

static int is_kind(char c, uint8_t kind)
{
    return kinds[(uint8_t)c] & kind;
}

static int all_of_kind(const char *text, size_t len, uint8_t kind)
{
    uint8_t all = kind;
    for (size_t i = 0; i < len; i++)
        all &= kinds[(uint8_t)text[i]];
    return all == kind;
}

static int is_digit(char c)
{
    return is_kind(c, DIGIT);
}

static int is_alnum(char c)
{
    return is_digit(c) || (fs_lower[(uint8_t)c] >= 'a' && fs_lower[(uint8_t)c] <= 'z');
}

static int is_ows(char c)
{
    return c == ' ' || c == '\t';
}

static fs_span trimmed(const char *base, fs_span span)
{
    while (span.len > 0 && is_ows(base[span.off])) {
        span.off++;
        span.len--;
    }
    while (span.len > 0 && is_ows(base[span.off + span.len - 1]))
        span.len--;
    return span;
}

static int span_is(const char *base, fs_span span, const char *lower)
{
    return span.len == strlen(lower) && fs_equals_lower(base + span.off, lower, span.len);
}

/* ---- the request line ---- */

/* uri-host [":" port]. An empty host is allowed (RFC 9110, 7.2). */
static int authority_is_valid(const char *text, size_t len)
{
    size_t i = 0;
    if (len > 0 && text[0] == '[') {
        for (i = 1; i < len && text[i] != ']'; i++)
            if (!is_alnum(text[i]) && text[i] != ':' && text[i] != '.' && text[i] != '%')
                return 0;
        if (i == len || i == 1)
            return 0;
        i++;
    } else {
        while (i < len && is_kind(text[i], HOST))
            i++;
    }
    if (i == len)
        return 1;
    if (text[i] != ':')
        return 0;
    while (++i < len)
        if (!is_digit(text[i]))
            return 0;
    return 1;
}

static void split_query(const char *base, fs_span target, fs_verdict *verdict)
{
    const char *mark = memchr(base + target.off, '?', target.len);
    verdict->path = target;
    verdict->query.off = target.off + target.len;
    verdict->query.len = 0;
    if (mark != NULL) {
        verdict->path.len = (uint32_t)(mark - (base + target.off));
        verdict->query.off = target.off + verdict->path.len + 1;
        verdict->query.len = target.len - verdict->path.len - 1;
    }
}

static int judge_absolute_form(judge *j, uint32_t scheme_len)
{
    fs_span target = j->head->target;
    const char *text = j->base + target.off;
    uint32_t end = scheme_len;
    while (end < target.len && text[end] != '/' && text[end] != '?')
        end++;
    j->verdict->authority.off = target.off + scheme_len;
    j->verdict->authority.len = end - scheme_len;
    /* RFC 9110, 4.2.1: a URI without a host is invalid. */
    if (end == scheme_len || text[scheme_len] == ':' || !authority_is_valid(text + scheme_len, end - scheme_len))
        return refuse(j, 400, "invalid authority in the request target");
    target.off += end;
    target.len -= end;
    split_query(j->base, target, j->verdict);
    return SERVE;
}

/* RFC 9112, 3.2 */
static int judge_target(judge *j)
{
    fs_span target = j->head->target;
    const char *text = j->base + target.off;
    if (j->method == HTTP_CONNECT)
        return refuse(j, 501, "CONNECT is not supported");
    if (target.len == 0 || !all_of_kind(text, target.len, TARGET))
        return refuse(j, 400, "invalid character in the request target");
    if (text[0] == '/') {
        split_query(j->base, target, j->verdict);
        return SERVE;
    }
    if (target.len >= 7 && fs_equals_lower(text, "http://", 7))
        return judge_absolute_form(j, 7);
    if (target.len >= 8 && fs_equals_lower(text, "https://", 8))
        return judge_absolute_form(j, 8);
    if (target.len == 1 && text[0] == '*' && j->method == HTTP_OPTIONS) {
        split_query(j->base, target, j->verdict);
        return SERVE;
    }
    return refuse(j, 400, "invalid request target");
}

/* RFC 9112, 2.2 and 3: empty lines, then method SP request-target SP HTTP-version. llhttp skips any CR and LF before
 * the method, takes several spaces for one, and reads RTSP and ICE for HTTP. */
static int judge_request_line(judge *j)
{
    const char *text = j->base;
    uint32_t target_off = j->head->target.off;
    uint32_t target_end = target_off + j->head->target.len;
    uint32_t at = 0;
    while (at + 1 < target_off && text[at] == '\r' && text[at + 1] == '\n')
        at += 2;
    if (at < target_off && (text[at] == '\r' || text[at] == '\n'))
        return refuse(j, 400, "bare CR or LF before the request line");
    while (at < target_off && text[at] != ' ')
        at++;
    if (at + 1 != target_off || j->head->end - target_end < 6 || memcmp(text + target_end, " HTTP/", 6) != 0)
        return refuse(j, 400, "invalid request line");
    return SERVE;
}

/* ---- the fields ---- */

static int take_once(judge *j, const fs_field **slot, const fs_field *field, const char *reason)
{
    if (*slot != NULL)
        return refuse(j, 400, reason);
    *slot = field;
    return SERVE;
}

static void read_connection(judge *j, fs_span value)
{
    const char *text = j->base + value.off;
    uint32_t at = 0;
    while (at < value.len) {
        const char *comma = memchr(text + at, ',', value.len - at);
        uint32_t end = comma != NULL ? (uint32_t)(comma - text) : value.len;
        fs_span token = {value.off + at, end - at};
        token = trimmed(j->base, token);
        if (span_is(j->base, token, "close"))
            j->close = 1;
        else if (span_is(j->base, token, "keep-alive"))
            j->keep_alive = 1;
        else if (span_is(j->base, token, "upgrade"))
            j->connection_upgrade = 1;
        at = end + 1;
    }
}

static int read_field(judge *j, fs_field *field)
{
    const char *name = j->base + field->name.off;
    if (!all_of_kind(j->base + field->value.off, field->value.len, VALUE))
        return refuse(j, 400, "control character in a field value");
    field->value = trimmed(j->base, field->value);
    field->id = (uint8_t)fs_name_find(name, field->name.len);
    switch (field->id) {
    case FS_NAME_UNKNOWN:
        return field->name.len > 0 && all_of_kind(name, field->name.len, TOKEN) ? SERVE : refuse(j, 400, "invalid field name");
    case FS_NAME_HOST:
        return take_once(j, &j->host, field, "more than one Host");
    case FS_NAME_CONTENT_LENGTH:
        return take_once(j, &j->content_length, field, "more than one Content-Length");
    case FS_NAME_TRANSFER_ENCODING:
        return take_once(j, &j->transfer_encoding, field, "more than one Transfer-Encoding");
    case FS_NAME_EXPECT:
        return take_once(j, &j->expect, field, "more than one Expect");
    case FS_NAME_CONNECTION:
        read_connection(j, field->value);
        return SERVE;
    case FS_NAME_UPGRADE:
        j->has_upgrade_field = 1;
        return SERVE;
    default:
        return SERVE;
    }
}

/* RFC 9112, 3.2 */
static int judge_host(judge *j)
{
    if (j->host == NULL)
        return j->minor == 0 ? SERVE : refuse(j, 400, "no Host");
    fs_span host = j->host->value;
    if (!authority_is_valid(j->base + host.off, host.len))
        return refuse(j, 400, "invalid Host");
    return SERVE;
}

/* RFC 9112, 6.1: chunked is the one coding served, alone and once. */
static int judge_transfer_encoding(judge *j)
{
    if (j->transfer_encoding == NULL)
        return SERVE;
    fs_span value = j->transfer_encoding->value;
    if (j->content_length != NULL)
        return refuse(j, 400, "Transfer-Encoding with Content-Length");
    if (j->minor == 0)
        return refuse(j, 400, "Transfer-Encoding in HTTP/1.0");
    if (span_is(j->base, value, "chunked")) {
        j->verdict->chunked = 1;
        return SERVE;
    }
    if (value.len == 0 || memchr(j->base + value.off, ',', value.len) != NULL)
        return refuse(j, 400, "invalid Transfer-Encoding");
    return refuse(j, 501, "unsupported transfer coding");
}

/* RFC 9112, 6.2: digits, once. Eighteen of them fit a signed 64-bit number. */
static int judge_content_length(judge *j)
{
    if (j->content_length == NULL)
        return SERVE;
    fs_span value = j->content_length->value;
    if (value.len == 0 || value.len > 18)
        return refuse(j, 400, "invalid Content-Length");
    for (uint32_t i = 0; i < value.len; i++) {
        char c = j->base[value.off + i];
        if (!is_digit(c))
            return refuse(j, 400, "invalid Content-Length");
        j->verdict->content_length = j->verdict->content_length * 10 + (uint64_t)(c - '0');
    }
    j->verdict->has_content_length = 1;
    return SERVE;
}

/* RFC 9110, 10.1.1: a 1.0 client's expectation is ignored. */
static int judge_expect(judge *j)
{
    if (j->expect == NULL || j->minor == 0)
        return SERVE;
    if (!span_is(j->base, j->expect->value, "100-continue"))
        return refuse(j, 417, "unknown expectation");
    j->verdict->expects_continue = 1;
    return SERVE;
}

void fs_judge(const char *base, fs_head *head, int method, int http_major, int http_minor, fs_verdict *verdict)
{
    judge j = {.base = base, .head = head, .verdict = verdict, .method = method, .minor = http_minor};
    memset(verdict, 0, sizeof *verdict);
    if (http_major != 1 || http_minor > 1) {
        refuse(&j, 505, "unsupported HTTP version");
        return;
    }
    if (judge_request_line(&j) || judge_target(&j))
        return;
    for (uint32_t i = 0; i < head->field_count; i++)
        if (read_field(&j, &head->fields[i]))
            return;
    if (judge_host(&j) || judge_transfer_encoding(&j) || judge_content_length(&j) || judge_expect(&j))
        return;
    verdict->keep_alive = !j.close && (http_minor == 1 || j.keep_alive);
    verdict->upgrade = http_minor == 1 && j.connection_upgrade && j.has_upgrade_field; /* RFC 9110, 7.8 */
}

void fs_judge_parser(fs_parser *parser, fs_verdict *verdict)
{
    const llhttp_t *http = &parser->http;
    fs_judge(parser->base, parser->head, http->method, http->http_major, http->http_minor, verdict);
    if (verdict->status != SERVE)
        return;
    int has_body = verdict->chunked || verdict->content_length > 0;
    int agreed = has_body == parser->in_body && verdict->chunked == parser->body.chunked &&
                 (verdict->chunked || verdict->content_length == http->content_length);
    if (!agreed) {
        verdict->status = 400;
        verdict->reason = "ambiguous message framing";
    }
}
