/* May this head be served, and how is it framed? The rules alone, on heads made by hand (heads.h).
 *
 * A number in a comment is the row of the wire cases that the line belongs to. test_rules_wire.c judges heads that come
 * through the parser.
 */
#include "check.h"
#include "heads.h"

static fs_verdict judge_with_field(int method, int minor, const char *name, const char *value, size_t value_len)
{
    made_field fields[] = {{"Host", "a", 0, 0}, {name, value, 0, value_len}};
    made_head head = {method, "/", 0, 1, minor, fields, 2};
    return judge_made(&head);
}

static fs_verdict judge_with_host(const char *host, size_t len)
{
    made_field fields[] = {{"Host", host, 0, len}};
    made_head head = {HTTP_GET, "/", 0, 1, 1, fields, 1};
    return judge_made(&head);
}

static fs_verdict judge_with_target(int method, const char *target, size_t len)
{
    made_field fields[] = {{"Host", "a", 0, 0}};
    made_head head = {method, target, len, 1, 1, fields, 1};
    return judge_made(&head);
}

/* 24 */
static void test_versions(void)
{
    check_case = "versions";
    for (int major = 0; major <= 9; major++) {
        for (int minor = 0; minor <= 9; minor++) {
            made_field fields[] = {{"Host", "a", 0, 0}};
            made_head head = {HTTP_GET, "/", 0, major, minor, fields, 1};
            CHECK_INT(major == 1 && minor <= 1 ? 0 : 505, judge_made(&head).status);
        }
    }
}

/* 18, 19: in a value every byte but the control characters, the tab not among them. */
static void test_value_bytes(void)
{
    check_case = "value bytes";
    for (int byte = 0; byte < 256; byte++) {
        char inner[3] = {'x', (char)byte, 'y'};
        int clean = byte == '\t' || (byte >= 0x20 && byte != 0x7f);
        CHECK_INT(clean ? 0 : 400, judge_with_field(HTTP_GET, 1, "X", inner, 3).status);
        CHECK_INT(clean ? 0 : 400, judge_with_field(HTTP_GET, 1, "X", inner, 2).status);
        CHECK_INT(clean ? 0 : 400, judge_with_field(HTTP_GET, 1, "User-Agent", inner + 1, 2).status);
    }
}

/* 17 */
static void test_name_bytes(void)
{
    check_case = "name bytes";
    for (int byte = 0; byte < 256; byte++) {
        char name[3] = {'x', (char)byte, 'y'};
        int alnum = (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
        int token = alnum || (byte != 0 && strchr("!#$%&'*+-.^_`|~", byte) != NULL);
        made_field fields[] = {{"Host", "a", 0, 0}, {name, "v", 3, 0}};
        made_head head = {HTTP_GET, "/", 0, 1, 1, fields, 2};
        CHECK_INT(token ? 0 : 400, judge_made(&head).status);
    }
    made_field fields[] = {{"Host", "a", 0, 0}, {"", "v", 0, 0}};
    made_head head = {HTTP_GET, "/", 0, 1, 1, fields, 2};
    CHECK_INT(400, judge_made(&head).status);
}

/* 21 */
static void test_hosts(void)
{
    static const char *const good[] = {
        "", "a", "a.b", "a:80", "a:", ":80", "127.0.0.1", "[::1]", "[::1]:80", "[fe80::1%25eth0]", "a-b_c.d~e",
        "xn--a", "a:00000", "%41", "A!$&'()*+,;=", " a\t",
    };
    static const char *const bad[] = {
        "a/x?", "a#", "a@b", "a b", "a\tb", "a:b", "a:80:80", "a:8 0", "a:-1", "a:+1", "[", "[]", "[::1", "::1]",
        "[::1]x", "[::1]80", "[::1]:x", "[g h]", "[[::1]]", "a[", "a]", "a\"", "<a>", "a\\b", "a^b", "a|b", "{a}",
        "`a`", "a,b c", "/", "http://a", "a?b", "\xc3\xa9.fr", "a\x85", "\xa0.a",
    };
    for (size_t i = 0; i < COUNT(good); i++) {
        check_case = good[i];
        CHECK_INT(0, judge_with_host(good[i], 0).status);
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        check_case = bad[i];
        CHECK_INT(400, judge_with_host(bad[i], 0).status);
    }
    check_case = "host bytes";
    for (int byte = 0; byte < 256; byte++) {
        char host[3] = {'a', (char)byte, 'b'};
        int alnum = (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
        int allowed = alnum || (byte != 0 && strchr("-._~%!$&'()*+,;=", byte) != NULL);
        CHECK_INT(allowed ? 0 : 400, judge_with_host(host, 3).status);
    }
}

/* 20 */
static void test_host_count(void)
{
    made_field fields[] = {{"Host", "a", 0, 0}, {"hOST", "a", 0, 0}};
    check_case = "number of Hosts";
    for (int minor = 0; minor <= 1; minor++) {
        for (size_t count = 0; count <= 2; count++) {
            made_head head = {HTTP_GET, "/", 0, 1, minor, fields, count};
            int served = count == 1 || (count == 0 && minor == 0);
            CHECK_INT(served ? 0 : 400, judge_made(&head).status);
        }
    }
}

typedef struct {
    int method;
    const char *target;
    int status;
    const char *path;
    const char *query;
    const char *authority;
} target_row;

static const target_row targets[] = {
    {HTTP_GET, "/", 0, "/", "", ""},
    {HTTP_GET, "/a/b?c=d?e", 0, "/a/b", "c=d?e", ""},
    {HTTP_GET, "/?", 0, "/", "", ""},
    {HTTP_GET, "//a/b", 0, "//a/b", "", ""},
    {HTTP_GET, "/%00%0a", 0, "/%00%0a", "", ""},
    {HTTP_GET, "/a@b:c", 0, "/a@b:c", "", ""},
    {HTTP_GET, "http://b/c?d", 0, "/c", "d", "b"},
    {HTTP_GET, "HTTPS://b:443/c", 0, "/c", "", "b:443"},
    {HTTP_GET, "http://b", 0, "", "", "b"},
    {HTTP_GET, "http://b?c", 0, "", "c", "b"},
    {HTTP_GET, "http://[::1]:80/c", 0, "/c", "", "[::1]:80"},
    {HTTP_OPTIONS, "*", 0, "*", "", ""},
    {HTTP_OPTIONS, "/", 0, "/", "", ""},
    {HTTP_OPTIONS, "http://b", 0, "", "", "b"},
    /* 21, 22 */
    {HTTP_GET, "foo", 400, "", "", ""},
    {HTTP_GET, "a:80", 400, "", "", ""},
    {HTTP_GET, "*", 400, "", "", ""},
    {HTTP_OPTIONS, "*/", 400, "", "", ""},
    {HTTP_OPTIONS, "**", 400, "", "", ""},
    {HTTP_GET, "?a", 400, "", "", ""},
    {HTTP_GET, "http:/b", 400, "", "", ""},
    {HTTP_GET, "http://", 400, "", "", ""},
    {HTTP_GET, "http:///c", 400, "", "", ""},
    {HTTP_GET, "http://?c", 400, "", "", ""},
    {HTTP_GET, "http://:80/c", 400, "", "", ""},
    {HTTP_GET, "http://a@b/c", 400, "", "", ""},
    {HTTP_GET, "http://a:b/c", 400, "", "", ""},
    {HTTP_GET, "http://a\\b/c", 400, "", "", ""},
    {HTTP_GET, "ftp://b/c", 400, "", "", ""},
    {HTTP_GET, "https:b", 400, "", "", ""},
    {HTTP_GET, "/a#b", 400, "", "", ""},
    {HTTP_GET, "http://b/#", 400, "", "", ""},
    /* 23 */
    {HTTP_CONNECT, "a:443", 501, "", "", ""},
    {HTTP_CONNECT, "/", 501, "", "", ""},
};

static void check_span(const char *expected, const char *base, fs_span span)
{
    CHECK_BYTES(expected, strlen(expected), base + span.off, span.len);
}

static void test_targets(void)
{
    for (size_t i = 0; i < COUNT(targets); i++) {
        const target_row *row = &targets[i];
        check_case = row->target;
        fs_verdict verdict = judge_with_target(row->method, row->target, 0);
        CHECK_INT(row->status, verdict.status);
        if (row->status != 0)
            continue;
        /* The same bytes stand at the same offset again. */
        char base[256];
        snprintf(base, sizeof base, "%s %s", llhttp_method_name((llhttp_method_t)row->method), row->target);
        check_span(row->path, base, verdict.path);
        check_span(row->query, base, verdict.query);
        check_span(row->authority, base, verdict.authority);
    }
    check_case = "target bytes";
    for (int byte = 0; byte < 256; byte++) {
        char target[3] = {'/', (char)byte, 'b'};
        int allowed = byte > 0x20 && byte < 0x7f && byte != '#';
        CHECK_INT(allowed ? 0 : 400, judge_with_target(HTTP_GET, target, 3).status);
        char absolute[12] = "http://a/?x";
        absolute[10] = (char)byte;
        CHECK_INT(allowed ? 0 : 400, judge_with_target(HTTP_GET, absolute, 11).status);
    }
}

static const struct {
    const char *value;
    int minor;
    int keep_alive;
} persistence[] = {
    {"", 1, 1}, {"", 0, 0}, {"close", 1, 0}, {"close", 0, 0}, {"keep-alive", 1, 1}, {"keep-alive", 0, 1},
    {"CLOSE", 1, 0}, {"Keep-Alive", 0, 1}, {"close\t", 1, 0} /* 30 */, {" close ", 1, 0}, {"\tclose", 1, 0},
    {"close,", 1, 0}, {",close", 1, 0}, {", ,close , ,", 1, 0}, {"keep-alive, close", 1, 0},
    {"close, keep-alive", 0, 0}, {"keep-alive , foo", 0, 1}, {"foo, Close", 1, 0}, {"closed", 1, 1}, {"clos", 1, 1},
    {"close x", 1, 1}, {"close, close", 1, 0},
    {"close;x", 1, 1}, {"\"close\"", 1, 1}, {"keep-alive x", 0, 0}, {"upgrade", 1, 1}, {",,,", 1, 1},
};

static void test_persistence(void)
{
    for (size_t i = 0; i < COUNT(persistence); i++) {
        check_case = persistence[i].value;
        fs_verdict verdict = judge_with_field(HTTP_GET, persistence[i].minor, "Connection", persistence[i].value, 0);
        CHECK_INT(0, verdict.status);
        CHECK_INT(persistence[i].keep_alive, verdict.keep_alive);
    }
    check_case = "two Connection fields";
    made_field fields[] = {{"Host", "a", 0, 0}, {"Connection", "close", 0, 0}, {"connection", "keep-alive", 0, 0}};
    made_head head = {HTTP_GET, "/", 0, 1, 1, fields, 3};
    CHECK_INT(0, judge_made(&head).keep_alive);
    check_case = "Proxy-Connection says nothing";
    CHECK_INT(1, judge_with_field(HTTP_GET, 1, "Proxy-Connection", "close", 0).keep_alive);
    CHECK_INT(0, judge_with_field(HTTP_GET, 0, "Proxy-Connection", "keep-alive", 0).keep_alive);
}

static void test_upgrade(void)
{
    made_field fields[] = {
        {"Host", "a", 0, 0}, {"Connection", "keep-alive, Upgrade", 0, 0}, {"Upgrade", "websocket", 0, 0}};
    made_head head = {HTTP_GET, "/", 0, 1, 1, fields, 3};
    check_case = "upgrade";
    CHECK_INT(1, judge_made(&head).upgrade);
    head.minor = 0; /* RFC 9110, 7.8: a 1.0 client's Upgrade is ignored */
    CHECK_INT(0, judge_made(&head).upgrade);
    CHECK_INT(0, judge_with_field(HTTP_GET, 1, "Upgrade", "websocket", 0).upgrade);
    CHECK_INT(0, judge_with_field(HTTP_GET, 1, "Connection", "upgrade", 0).upgrade);
}

static const struct {
    const char *value;
    int status;
    uint64_t length;
} lengths[] = {
    {"0", 0, 0}, {"5", 0, 5}, {"005", 0, 5}, {" 5\t", 0, 5}, {"999999999999999999", 0, 999999999999999999u},
    {"4294967296", 0, 4294967296u},
    /* 2, 3 */
    {"1000000000000000000", 400, 0}, {"999999999999999999999999999999", 400, 0}, {"18446744073709551621", 400, 0},
    {"", 400, 0}, {" ", 400, 0}, {"+10", 400, 0}, {"-1", 400, 0}, {"0x5", 400, 0}, {"5, 5", 400, 0}, {"5,5", 400, 0},
    {"5 5", 400, 0}, {"5.0", 400, 0}, {"5e1", 400, 0}, {"5a", 400, 0}, {"1_0", 400, 0}, {"\"5\"", 400, 0},
    {"\xd9\xa5", 400, 0} /* an Arabic five */, {"chunked", 400, 0},
};

static void test_content_length(void)
{
    for (size_t i = 0; i < COUNT(lengths); i++) {
        check_case = lengths[i].value;
        fs_verdict verdict = judge_with_field(HTTP_POST, 1, "Content-Length", lengths[i].value, 0);
        CHECK_INT(lengths[i].status, verdict.status);
        if (lengths[i].status == 0) {
            CHECK_INT(1, verdict.has_content_length);
            CHECK(verdict.content_length == lengths[i].length);
        }
    }
    check_case = "two Content-Lengths";
    made_field fields[] = {{"Host", "a", 0, 0}, {"Content-Length", "5", 0, 0}, {"content-length", "5", 0, 0}};
    made_head head = {HTTP_POST, "/", 0, 1, 1, fields, 3};
    CHECK_INT(400, judge_made(&head).status);
    check_case = "no Content-Length";
    fs_verdict verdict = judge_with_target(HTTP_POST, "/", 0);
    CHECK_INT(0, verdict.has_content_length);
    CHECK_INT(0, verdict.chunked);
}

static const struct {
    const char *value;
    int status;
} codings[] = {
    {"chunked", 0}, {"Chunked", 0}, {" CHUNKED\t", 0},
    /* 4 */
    {"xchunked", 501}, {"chunkedx", 501}, {"chunked x", 501}, {"chunked;q=1", 501}, {"identity", 501}, {"gzip", 501},
    {"\"chunked\"", 501}, {"chunked, identity", 400}, {"identity, chunked", 400}, {"chunked, chunked", 400},
    {"gzip, chunked", 400}, {"chunked,", 400}, {",chunked", 400}, {"", 400}, {"\t", 400}, {"chun\xe7ked", 501},
};

static void test_transfer_encoding(void)
{
    for (size_t i = 0; i < COUNT(codings); i++) {
        check_case = codings[i].value;
        fs_verdict verdict = judge_with_field(HTTP_POST, 1, "Transfer-Encoding", codings[i].value, 0);
        CHECK_INT(codings[i].status, verdict.status);
        CHECK_INT(codings[i].status == 0, verdict.chunked);
        /* 8 */
        CHECK_INT(400, judge_with_field(HTTP_POST, 0, "Transfer-Encoding", codings[i].value, 0).status);
    }
    /* 5, 1, in both orders */
    static const made_field pairs[][3] = {
        {{"Host", "a", 0, 0}, {"Transfer-Encoding", "chunked", 0, 0}, {"transfer-encoding", "chunked", 0, 0}},
        {{"Host", "a", 0, 0}, {"Transfer-Encoding", "chunked", 0, 0}, {"Content-Length", "4", 0, 0}},
        {{"Host", "a", 0, 0}, {"Content-Length", "4", 0, 0}, {"Transfer-Encoding", "chunked", 0, 0}},
        {{"Host", "a", 0, 0}, {"Content-Length", "0", 0, 0}, {"Transfer-Encoding", "identity", 0, 0}},
    };
    check_case = "two framings";
    for (size_t i = 0; i < COUNT(pairs); i++) {
        made_head head = {HTTP_POST, "/", 0, 1, 1, pairs[i], 3};
        CHECK_INT(400, judge_made(&head).status);
    }
}

/* 36 */
static void test_expect(void)
{
    check_case = "Expect";
    fs_verdict verdict = judge_with_field(HTTP_POST, 1, "Expect", "100-Continue", 0);
    CHECK_INT(0, verdict.status);
    CHECK_INT(1, verdict.expects_continue);
    verdict = judge_with_field(HTTP_POST, 0, "Expect", "100-continue", 0);
    CHECK_INT(0, verdict.status);
    CHECK_INT(0, verdict.expects_continue);
    CHECK_INT(0, judge_with_field(HTTP_POST, 0, "Expect", "tea", 0).status);
    CHECK_INT(417, judge_with_field(HTTP_POST, 1, "Expect", "tea", 0).status);
    CHECK_INT(417, judge_with_field(HTTP_POST, 1, "Expect", "", 0).status);
    CHECK_INT(417, judge_with_field(HTTP_POST, 1, "Expect", "100-continue, tea", 0).status);
    CHECK_INT(0, judge_with_target(HTTP_POST, "/", 0).expects_continue);
}

int main(void)
{
    test_versions();
    test_value_bytes();
    test_name_bytes();
    test_hosts();
    test_host_count();
    test_targets();
    test_persistence();
    test_upgrade();
    test_content_length();
    test_transfer_encoding();
    test_expect();
    return check_end("test_rules");
}
