/* How much of a message is read before it is refused? Each limit of fs_limits: at it, one over it, and without end.
 *
 * The wire cases' rows 16 (chunk extension, trailers), 25 and 26 (target, head, number of fields).
 */
#include "cuts.h"

/* A message of three parts, the middle one repeated. */
static size_t build(char *out, const char *before, const char *unit, size_t count, const char *after)
{
    size_t len = (size_t)sprintf(out, "%s", before);
    for (size_t i = 0; i < count; i++)
        len += (size_t)sprintf(out + len, "%s", unit);
    return len + (size_t)sprintf(out + len, "%s", after);
}

#define CHUNKED "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"

static const struct {
    const char *name;
    fs_limits limits;
    const char *before;
    const char *unit;
    size_t count_max; /* how often unit may be there */
    const char *after;
    int status; /* of once more */
    const char *reason;
} exact[] = {
    /* "GET /" and the rest of the target */
    {"target", {20, 99, 9, 9}, "GET /", "a", 15, " HTTP/1.1\r\n\r\n", 414, "request target too long"},
    {"spaces before the target", {20, 99, 9, 9}, "GET ", " ", 15, "/ HTTP/1.1\r\n\r\n", 414, "request target too long"},
    {"empty lines", {20, 99, 9, 9}, "", "\r\n", 7, "GET / HTTP/1.1\r\n\r\n", 414, "request target too long"},
    /* " HTTP/1.1", CRLF, CRLF are 13 bytes; "A: ", CRLF are 5 */
    {"value", {20, 30, 9, 9}, "GET / HTTP/1.1\r\nA: ", "v", 12, "\r\n\r\n", 431, "header section too large"},
    {"name", {20, 30, 9, 9}, "GET / HTTP/1.1\r\n", "n", 13, ": \r\n\r\n", 431, "header section too large"},
    {"spaces before a value", {20, 30, 9, 9}, "GET / HTTP/1.1\r\nA:", " ", 13, "\r\n\r\n", 431,
     "header section too large"},
    {"spaces behind a value", {20, 30, 9, 9}, "GET / HTTP/1.1\r\nA:b", " ", 12, "\r\n\r\n", 431,
     "header section too large"},
    {"bytes of fields", {20, 49, 99, 9}, "GET / HTTP/1.1\r\n", "A:b\r\n", 7, "\r\n", 431, "header section too large"},
    {"spaces before the version", {20, 30, 9, 9}, "GET /", " ", 18, "HTTP/1.1\r\n\r\n", 431,
     "header section too large"},
    {"fields", {20, 99, 3, 9}, "GET / HTTP/1.1\r\n", "A:b\r\n", 3, "\r\n", 431, "too many header fields"},
    {"fields without a value", {20, 99, 3, 9}, "GET / HTTP/1.1\r\n", "A:\r\n", 3, "\r\n", 431,
     "too many header fields"},
    {"many fields", {20, 9999, 1000, 9}, "GET / HTTP/1.1\r\n", "A:b\r\n", 1000, "\r\n", 431, "too many header fields"},
    /* from the first semicolon to CRLF */
    {"extensions", {99, 99, 9, 8}, CHUNKED "1", ";a", 4, "\r\na\r\n0\r\n\r\n", 400, "chunk extension too long"},
    {"name of an extension", {99, 99, 9, 8}, CHUNKED "1;", "a", 7, "\r\na\r\n0\r\n\r\n", 400,
     "chunk extension too long"},
    {"value of an extension", {99, 99, 9, 8}, CHUNKED "01;a=", "b", 5, "\r\na\r\n0\r\n\r\n", 400,
     "chunk extension too long"},
    {"quoted extension", {99, 99, 9, 8}, CHUNKED "0000000000000001;a=\"", "b", 3, "\"\r\na\r\n0\r\n\r\n", 400,
     "chunk extension too long"},
    {"extension of a later chunk", {99, 99, 9, 8}, CHUNKED "1;a\r\na\r\n1;", "b", 7, "\r\na\r\n0\r\n\r\n", 400,
     "chunk extension too long"},
    {"extension of the last chunk", {99, 99, 9, 8}, CHUNKED "1\r\na\r\n0;", "b", 7, "\r\n\r\n", 400,
     "chunk extension too long"},
    {"zeros before an extension", {99, 99, 9, 8}, CHUNKED "1\r\na\r\n", "0", 15, "1;b\r\na\r\n0\r\n\r\n", 400,
     "chunk size too long"},
    {"zeros before the last extension", {99, 99, 9, 8}, CHUNKED "1\r\na\r\n", "0", 16, ";b\r\n\r\n", 400,
     "chunk size too long"},
    {"zeros of a size", {99, 99, 9, 8}, CHUNKED, "0", 15, "1\r\na\r\n0\r\n\r\n", 400, "chunk size too long"},
    {"zeros of a later size", {99, 99, 9, 8}, CHUNKED "1\r\na\r\n", "0", 15, "1\r\na\r\n0\r\n\r\n", 400,
     "chunk size too long"},
    {"zeros behind an extended chunk", {99, 99, 9, 8}, CHUNKED "1;abc\r\na\r\n", "0", 15, "1\r\na\r\n0\r\n\r\n", 400,
     "chunk size too long"},
    {"zeros of the last size", {99, 99, 9, 8}, CHUNKED "1\r\na\r\n", "0", 16, "\r\n\r\n", 400, "chunk size too long"},
    /* the trailer section, its empty line included */
    {"value of a trailer", {99, 60, 9, 8}, CHUNKED "1\r\na\r\n0\r\nT: ", "v", 53, "\r\n\r\n", 431,
     "trailer section too large"},
    {"name of a trailer", {99, 60, 9, 8}, CHUNKED "1\r\na\r\n0\r\n", "n", 54, ": \r\n\r\n", 431,
     "trailer section too large"},
    {"bytes of trailers", {99, 62, 99, 8}, CHUNKED "0\r\n", "A:b\r\n", 12, "\r\n", 431, "trailer section too large"},
    {"trailers", {99, 99, 3, 8}, CHUNKED "1\r\na\r\n0\r\n", "A:b\r\n", 3, "\r\n", 431, "too many trailer fields"},
    {"trailers without a value", {99, 99, 3, 8}, CHUNKED "1\r\na\r\n0\r\n", "A:\r\n", 3, "\r\n", 431,
     "too many trailer fields"},
};

static void test_exact(void)
{
    static char bytes[16 * 1024];
    for (size_t i = 0; i < COUNT(exact); i++) {
        transcript_options options = {.limits = &exact[i].limits};
        check_case = exact[i].name;
        for (size_t over = 0; over < 2; over++) {
            size_t len = build(bytes, exact[i].before, exact[i].unit, exact[i].count_max + over, exact[i].after);
            transcript t = len < 500 ? transcript_of_every_cut(&options, bytes, len)
                                     : transcript_of_bytes(&options, bytes, len);
            CHECK_INT(over ? exact[i].status : 0, t.status);
            CHECK_STR(over ? exact[i].reason : "", t.reason != NULL ? t.reason : "");
            CHECK(over || strcmp(transcript_last(&t), "idle") == 0);
            transcript_free(&t);
        }
    }
}

/* Each message counts for itself: what one took is not missing from the next. */
static void test_every_message_anew(void)
{
    static const fs_limits limits = {20, 35, 2, 4};
    transcript_options options = {.limits = &limits};
    char bytes[1024];
    size_t len = build(bytes, "", "GET / HTTP/1.1\r\nA: 1\r\nB: 2\r\n\r\n", 5, "");
    check_case = "every message anew";
    transcript t = transcript_of_every_cut(&options, bytes, len);
    CHECK_STR("idle", transcript_last(&t));
    transcript_free(&t);

    fs_limits chunked = {20, 50, 2, 4};
    options.limits = &chunked;
    len = build(bytes, "", CHUNKED "1;abc\r\na\r\n1;abc\r\nb\r\n0;abc\r\nT: 1\r\nU: 2\r\n\r\n", 3, "");
    t = transcript_of_every_cut(&options, bytes, len);
    CHECK_STR("idle", transcript_last(&t));
    transcript_free(&t);

    /* And behind trailers a size line is bounded as one, though the trailers' limit is wider. */
    len = build(bytes, CHUNKED "0\r\nT: 1\r\n\r\n" CHUNKED, "0", 30, "");
    t = transcript_of_every_cut(&options, bytes, len);
    CHECK_STR("400", transcript_last(&t));
    transcript_free(&t);
}

/* A message with two faults: the first one in the order of its bytes is answered, wherever the cuts are. */
static const struct {
    const char *name;
    const char *bytes;
    size_t len;
    int status;
} two_faults[] = {
    {"bad byte, then the target's limit", BYTES("GET /\x01" "aaaaaaaaaaaaaaaaaaaaaaaaaaaa"), 400},
    {"the target's limit, then a bad byte", BYTES("GET /aaaaaaaaaaaaaaaaaaaaaaaaaaaa\x01"), 414},
    {"no target, then more than a request line", BYTES("CONNECT \nTransfer-Encoding: chunked\r\n\r\n"), 505},
    {"no target, carriage return", BYTES("CONNECT \r\nTransfer-Encoding: chunked\r\n\r\n"), 505},
    {"the limit in spaces, then no target", BYTES("CONNECT                        \nA: b\r\n\r\n"), 414},
    {"the limit in empty lines, then a bad method", BYTES("\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\nget"), 414},
    {"bad byte, then the head's limit", BYTES("GET / HTTP/1.1\r\nA: \x01" "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"),
     400},
    {"the head's limit, then a bad byte in a value",
     BYTES("GET / HTTP/1.1\r\nA: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\x01"), 431},
    {"the head's limit, then a bad byte in a name",
     BYTES("GET / HTTP/1.1\r\nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn\x01"), 431},
    {"a field too many, with a bad name", BYTES("GET / HTTP/1.1\r\nA:1\r\nB:2\r\nC 3\r\n\r\n"), 431},
    {"a field too many, without a name", BYTES("GET / HTTP/1.1\r\nA:1\r\nB:2\r\n: 3\r\n\r\n"), 431},
    {"a bad last field", BYTES("GET / HTTP/1.1\r\nA:1\r\nB 2\r\nC:3\r\n\r\n"), 400},
    {"a bad value of the last field", BYTES("GET / HTTP/1.1\r\nA:1\r\nB:\x01\r\nC:3\r\n\r\n"), 400},
    {"a bad version, then the head's limit",
     BYTES("GET / HTTP/9.9\r\nA: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"), 505},
    {"the trailers' limit, then a bad byte",
     BYTES(CHUNKED "0\r\nT: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\x01"), 431},
    {"a bad byte, then the trailers' limit",
     BYTES(CHUNKED "0\r\nT: \x01" "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"), 400},
    {"the trailers' limit, then a forbidden trailer",
     BYTES(CHUNKED "0\r\nT: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\r\nHost: a\r\n\r\n"), 431},
    {"a forbidden trailer, then the trailers' limit",
     BYTES(CHUNKED "0\r\nHost: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\r\nT: a\r\n\r\n"), 400},
    {"a trailer too many, with a bad name", BYTES(CHUNKED "0\r\nA:1\r\nB:2\r\nC 3\r\n\r\n"), 431},
    {"a bad last trailer", BYTES(CHUNKED "0\r\nA:1\r\nB 2\r\nC:3\r\n\r\n"), 400},
};

static void test_two_faults(void)
{
    static const fs_limits limits = {20, 45, 2, 4};
    transcript_options options = {.limits = &limits};
    for (size_t i = 0; i < COUNT(two_faults); i++) {
        check_case = two_faults[i].name;
        transcript t = transcript_of_every_cut(&options, two_faults[i].bytes, two_faults[i].len);
        CHECK_INT(two_faults[i].status, t.status);
        transcript_free(&t);
    }
}

static const struct {
    const char *name;
    const char *before;
    const char *unit;
    int status;
} endless[] = {
    {"empty lines", "", "\r\n", 414},
    {"CR", "", "\r", 414},
    {"spaces before the target", "GET ", " ", 414},
    {"target", "GET /", "a", 414},
    {"query", "GET /?", "a=b&", 414},
    {"spaces before the version", "GET /", " ", 431},
    {"name", "GET / HTTP/1.1\r\n", "n", 431},
    {"value", "GET / HTTP/1.1\r\nA: ", "v", 431},
    {"spaces before a value", "GET / HTTP/1.1\r\nA:", " \t", 431},
    {"Content-Length of zeros", "GET / HTTP/1.1\r\nContent-Length: ", "0", 431},
    {"Transfer-Encoding", "GET / HTTP/1.1\r\nTransfer-Encoding: ", "a,", 431},
    {"Connection", "GET / HTTP/1.1\r\nConnection: ", "close,", 431},
    {"fields", "GET / HTTP/1.1\r\n", "A:b\r\n", 431},
    {"fields without a value", "GET / HTTP/1.1\r\n", "A:\r\n", 431},
    {"zeros of a chunk size", CHUNKED, "0", 400},
    {"digits of a chunk size", CHUNKED, "1", 400},
    {"extensions", CHUNKED "1", ";a", 400},
    {"name of an extension", CHUNKED "1;", "a", 400},
    {"value of an extension", CHUNKED "1;a=", "b", 400},
    {"quoted extension", CHUNKED "1;a=\"", "b", 400},
    {"quoted pairs", CHUNKED "1;a=\"", "\\\"", 400},
    {"name of a trailer", CHUNKED "0\r\n", "n", 431},
    {"value of a trailer", CHUNKED "0\r\nT: ", "v", 431},
    {"spaces before the value of a trailer", CHUNKED "0\r\nT:", " ", 431},
    {"trailers", CHUNKED "0\r\n", "A:b\r\n", 431},
};

/* Fed in pieces until the parser refuses: once the limit is over, holding no more than the limit and a piece. */
static void check_endless(size_t row, size_t piece_units)
{
    enum { LIMIT = 1000, SLACK = 32 /* a size line and one unit */ };
    static const fs_limits limits = {LIMIT, LIMIT, 50, LIMIT};
    char piece[8 * 1024];
    size_t consumed, fed = 0;
    size_t len = build(piece, "", endless[row].unit, piece_units, "");
    fs_parser parser;
    fs_parser_init(&parser, &limits);
    const char *before = endless[row].before;
    const char *body = strstr(before, "\r\n\r\n");
    size_t head_len = body != NULL ? (size_t)(body - before) + 4 : 0;
    fs_event event = FS_MORE;
    if (head_len > 0) {
        CHECK_INT(FS_HEAD, fs_parser_feed(&parser, before, head_len, &consumed));
        fs_parser_release_head(&parser);
    }
    if (before[head_len] != '\0')
        event = fs_parser_feed(&parser, before + head_len, strlen(before + head_len), &consumed);
    while (event == FS_MORE && fed <= LIMIT + len + SLACK) {
        event = fs_parser_feed(&parser, piece, len, &consumed);
        fed += len;
    }
    CHECK_INT(FS_ERROR, event);
    CHECK_INT(endless[row].status, parser.refusal.status);
    CHECK(parser.saved_cap <= 4 * (LIMIT + len));
    CHECK(parser.body.gathered == NULL);
    fs_parser_destroy(&parser);
}

static void test_endless(void)
{
    static const size_t pieces[] = {1, 7, 100, 1024};
    for (size_t row = 0; row < COUNT(endless); row++) {
        check_case = endless[row].name;
        for (size_t i = 0; i < COUNT(pieces); i++)
            check_endless(row, pieces[i]);
    }
}

/* The largest values that the options admit. */
static void test_largest_limits(void)
{
    static const fs_limits limits = {1 << 24, 1 << 24, 65535, 1 << 24};
    static char bytes[512 * 1024];
    transcript_options options = {.limits = &limits};
    check_case = "largest limits";
    for (size_t over = 0; over < 2; over++) {
        size_t len = build(bytes, "GET / HTTP/1.1\r\n", "A:b\r\n", 65535 + over, "\r\n");
        transcript t = transcript_of(&options, bytes, len, NULL, 0);
        CHECK_INT(over ? 431 : 0, t.status);
        transcript_free(&t);
        len = build(bytes, CHUNKED "0\r\n", "A:b\r\n", 65535 + over, "\r\n");
        t = transcript_of(&options, bytes, len, NULL, 0);
        CHECK_INT(over ? 431 : 0, t.status);
        transcript_free(&t);
    }
    size_t len = build(bytes, CHUNKED "1;", "a", 500 * 1000, "\r\na\r\n0\r\n\r\n");
    transcript t = transcript_of(&options, bytes, len, NULL, 0);
    CHECK_STR("idle", transcript_last(&t));
    transcript_free(&t);
}

/* 25: a long target comes whole, or not at all. */
static void test_long_target(void)
{
    static const fs_limits limits = {70100, 100, 9, 9};
    static char bytes[80 * 1024];
    transcript_options options = {.limits = &limits};
    size_t len = build(bytes, "GET /", "abcdefg", 10000, " HTTP/1.1\r\n\r\n");
    check_case = "70,000 bytes";
    transcript whole = transcript_of(&options, bytes, len, NULL, 0);
    CHECK_STR("4+70001 ", whole.spans);
    for (size_t at = 1; at < len; at += 1001) {
        transcript cut = transcript_of(&options, bytes, len, &at, 1);
        check_same(&whole, &cut, at);
        transcript_free(&cut);
    }
    transcript_free(&whole);
}

int main(void)
{
    test_exact();
    test_every_message_anew();
    test_two_faults();
    test_endless();
    test_largest_limits();
    test_long_target();
    fs_head_pool_clear();
    return check_end("test_limits");
}
