/* Is every head that the rules serve free of doubt about its framing, its host and its target?
 *
 * Invariants, on heads that come through the parser and on heads made of any bytes:
 * - a verdict is given, and it is the same wherever the reads were cut;
 * - a served head, read again by the simple code below, has a request line of three words and single spaces, HTTP/1.0
 *   or 1.1; names that are tokens; values without control characters; no folded line, no bare CR or LF;
 * - exactly one Host in 1.1 and at most one in 1.0; Host and authority without user or path;
 * - not both Transfer-Encoding and Content-Length, neither of them twice, no coding but chunked and none in 1.0; the
 *   length and the persistence in the verdict are the ones that the text says;
 * - path, query and authority, put together again, are the target.
 *
 * Input: a byte for the cuts, the bytes of the connection.
 */
#include <string.h>

#include "fuzz.h"
#include "transcript.h"

enum { CUTS_MAX = 256, FIELDS_MAX = 64 };

static const fs_limits limits = {256, 2048, 64, 64};

typedef struct {
    const char *at;
    size_t len;
} slice;

static int is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

static int is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static int is_text(slice s, const char *text)
{
    if (s.len != strlen(text))
        return 0;
    for (size_t i = 0; i < s.len; i++)
        if (lower(s.at[i]) != text[i])
            return 0;
    return 1;
}

static slice trim(slice s)
{
    while (s.len > 0 && is_one_of(s.at[0], " \t"))
        s = (slice){s.at + 1, s.len - 1};
    while (s.len > 0 && is_one_of(s.at[s.len - 1], " \t"))
        s.len--;
    return s;
}

/* Cuts the part before the first `mark` off `rest`; all of it if there is none. */
static slice cut_off(slice *rest, const char *mark)
{
    size_t mark_len = strlen(mark);
    for (size_t i = 0; i + mark_len <= rest->len; i++) {
        if (memcmp(rest->at + i, mark, mark_len) == 0) {
            slice part = {rest->at, i};
            *rest = (slice){rest->at + i + mark_len, rest->len - i - mark_len};
            return part;
        }
    }
    slice part = *rest;
    *rest = (slice){rest->at + rest->len, 0};
    return part;
}

static int has_token(slice list, const char *token)
{
    while (list.len > 0)
        if (is_text(trim(cut_off(&list, ",")), token))
            return 1;
    return 0;
}

static void require_authority(slice authority)
{
    for (size_t i = 0; i < authority.len; i++)
        REQUIRE(is_alnum(authority.at[i]) || is_one_of(authority.at[i], "-._~%!$&'()*+,;=:[]"));
}

static void require_target(slice target, const char *base, const fs_verdict *verdict)
{
    slice path = {base + verdict->path.off, verdict->path.len};
    slice query = {base + verdict->query.off, verdict->query.len};
    slice authority = {base + verdict->authority.off, verdict->authority.len};
    for (size_t i = 0; i < target.len; i++)
        REQUIRE(target.at[i] > 0x20 && target.at[i] < 0x7f && target.at[i] != '#');
    slice rest = target;
    if (authority.len > 0) {
        slice scheme = cut_off(&rest, "://");
        REQUIRE(is_text(scheme, "http") || is_text(scheme, "https"));
        REQUIRE(rest.at == authority.at && rest.len >= authority.len);
        REQUIRE(authority.at[0] != ':');
        require_authority(authority);
        rest = (slice){rest.at + authority.len, rest.len - authority.len};
        REQUIRE(rest.len == 0 || is_one_of(rest.at[0], "/?"));
    } else {
        REQUIRE(target.at[0] == '/' || is_text(target, "*"));
    }
    size_t before = rest.len;
    slice first = cut_off(&rest, "?");
    REQUIRE(first.at == path.at && first.len == path.len);
    REQUIRE(rest.len == query.len && (query.len == 0 || rest.at == query.at));
    REQUIRE(before == path.len + query.len + (first.len < before ? 1 : 0));
}

/* What the lines of a head say, counted the simple way. */
typedef struct {
    int hosts;
    int lengths;
    int codings;
    int close;
    int keep_alive;
    uint64_t length;
} told;

static void read_line(slice line, told *t)
{
    slice value = line;
    slice name = cut_off(&value, ":");
    REQUIRE(name.len > 0 && name.len < line.len);
    for (size_t i = 0; i < name.len; i++)
        REQUIRE(is_alnum(name.at[i]) || is_one_of(name.at[i], "!#$%&'*+-.^_`|~"));
    value = trim(value);
    for (size_t i = 0; i < value.len; i++)
        REQUIRE(((uint8_t)value.at[i] >= 0x20 || value.at[i] == '\t') && value.at[i] != 0x7f);
    if (is_text(name, "host")) {
        t->hosts++;
        require_authority(value);
    } else if (is_text(name, "transfer-encoding")) {
        t->codings++;
        REQUIRE(is_text(value, "chunked"));
    } else if (is_text(name, "content-length")) {
        t->lengths++;
        REQUIRE(value.len > 0 && value.len <= 18);
        for (size_t i = 0; i < value.len; i++) {
            REQUIRE(value.at[i] >= '0' && value.at[i] <= '9');
            t->length = t->length * 10 + (uint64_t)(value.at[i] - '0');
        }
    } else if (is_text(name, "connection")) {
        t->close |= has_token(value, "close");
        t->keep_alive |= has_token(value, "keep-alive");
    }
}

/* `text` is the whole head that was served. */
static void require_served(slice text, int method, const fs_verdict *verdict)
{
    const char *base = text.at;
    slice line = cut_off(&text, "\r\n");
    while (line.len == 0)
        line = cut_off(&text, "\r\n");
    slice rest = line;
    slice method_name = cut_off(&rest, " ");
    slice target = cut_off(&rest, " ");
    const char *expected_name = llhttp_method_name((llhttp_method_t)method);
    REQUIRE(method_name.len == strlen(expected_name) && memcmp(method_name.at, expected_name, method_name.len) == 0);
    int minor = is_text(rest, "http/1.1");
    REQUIRE(minor || is_text(rest, "http/1.0"));
    REQUIRE(method != HTTP_CONNECT && target.len > 0);
    require_target(target, base, verdict);
    REQUIRE(!is_text(target, "*") || method == HTTP_OPTIONS);

    told t = {0};
    while ((line = cut_off(&text, "\r\n")).len > 0)
        read_line(line, &t);
    REQUIRE(text.len == 0);
    REQUIRE(t.hosts == 1 || (t.hosts == 0 && !minor));
    REQUIRE(t.lengths + t.codings <= 1);
    REQUIRE(t.codings == 0 || minor);
    REQUIRE(verdict->chunked == t.codings && verdict->has_content_length == t.lengths);
    REQUIRE(verdict->content_length == t.length);
    REQUIRE(verdict->keep_alive == (!t.close && (minor || t.keep_alive)));
}

static void on_served(const fs_parser *parser, const fs_verdict *verdict)
{
    require_served((slice){parser->base, parser->head->end}, parser->http.method, verdict);
    REQUIRE(parser->in_body == (verdict->chunked || verdict->content_length > 0));
}

static fs_span span_of(const char *base, slice s)
{
    return (fs_span){(uint32_t)(s.at - base), (uint32_t)s.len};
}

/* The same bytes, split at line ends and first colons without a further look: no parser stands before the rules. */
static void judge_any(const char *bytes, size_t len, int method)
{
    fs_field fields[FIELDS_MAX] = {0};
    fs_head head = {.fields = fields, .field_cap = FIELDS_MAX, .end = (uint32_t)len};
    fs_verdict verdict;
    char *base = exact_block(len);
    memcpy(base, bytes, len);
    slice text = {base, len};
    slice rest = cut_off(&text, "\r\n");
    cut_off(&rest, " ");
    slice target = cut_off(&rest, " ");
    head.target = span_of(base, target);
    int plain = is_text(rest, "http/1.1");
    while (text.len > 0 && head.field_count < FIELDS_MAX) {
        slice value = cut_off(&text, "\r\n");
        if (value.len == 0)
            break;
        plain = plain && memchr(value.at, ':', value.len) != NULL;
        slice name = cut_off(&value, ":");
        fields[head.field_count].name = span_of(base, name);
        fields[head.field_count++].value = span_of(base, value);
    }
    head.end = (uint32_t)(text.at - base);
    fs_judge(base, &head, method, 1, 1, &verdict);
    REQUIRE(verdict.status == 0 || (verdict.status >= 400 && verdict.status <= 599 && verdict.reason != NULL));
    /* Only with a first line and lines that a parser would report does the text say what the spans do. */
    const char *name = llhttp_method_name((llhttp_method_t)method);
    if (verdict.status == 0 && plain && text.len == 0 && len >= 4 && memcmp(base + len - 4, "\r\n\r\n", 4) == 0 &&
        head.target.off == strlen(name) + 1 && memcmp(base, name, strlen(name)) == 0)
        require_served((slice){base, len}, method, &verdict);
    free(base);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    const char *bytes = (const char *)data + 1;
    size_t len = size - 1;
    transcript_options options = {.limits = &limits, .judged = 1, .on_served = on_served};
    size_t cuts[CUTS_MAX];
    size_t count = choose_cuts(data[0], len, cuts, CUTS_MAX);
    transcript whole = transcript_of(&options, bytes, len, NULL, 0);
    transcript cut = transcript_of(&options, bytes, len, cuts, count);
    const char *difference = transcript_difference(&whole, &cut);
    if (difference != NULL)
        fprintf(stderr, "%s\nwhole:\n%scut:\n%s", difference, whole.text, cut.text);
    REQUIRE(difference == NULL && whole.fault == NULL && cut.fault == NULL);
    transcript_free(&whole);
    transcript_free(&cut);
    judge_any(bytes, len, HTTP_GET);
    judge_any(bytes, len, HTTP_OPTIONS);
    return 0;
}
