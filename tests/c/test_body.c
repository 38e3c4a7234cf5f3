/* Where does this body end? Content-Length, chunk framing, trailers (RFC 9112, 6 and 7).
 *
 * Every row is fed whole, byte by byte, and cut at every offset (cuts.h). A number in a comment is the row of the wire
 * cases that the line belongs to.
 */
#include "cuts.h"

static const fs_limits limits = {256, 256, 8, 16};
static const transcript_options options = {.limits = &limits};

#define CHUNKED "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
#define CHUNKED_HEAD "POST / HTTP/1.1 {Transfer-Encoding: chunked} @47\n"
#define NEXT "GET /next HTTP/1.1\r\n\r\n"
#define NEXT_HEAD "GET /next HTTP/1.1 @22 end\nidle\n"

static const struct {
    const char *name;
    const char *bytes;
    size_t len;
    const char *expected;
} lengths[] = {
    {"five", BYTES("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello" NEXT),
     "POST / HTTP/1.1 {Content-Length: 5} @38\nend \"hello\"\n" NEXT_HEAD},
    {"leading zeros", BYTES("POST / HTTP/1.1\r\nContent-Length: 005\r\n\r\nhello" NEXT),
     "POST / HTTP/1.1 {Content-Length: 005} @40\nend \"hello\"\n" NEXT_HEAD},
    {"none", BYTES("POST / HTTP/1.1\r\n\r\n" NEXT), "POST / HTTP/1.1 @19 end\n" NEXT_HEAD},
    {"zero", BYTES("POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n" NEXT),
     "POST / HTTP/1.1 {Content-Length: 0} @38 end\n" NEXT_HEAD},
    {"body of a GET", BYTES("GET / HTTP/1.1\r\nContent-Length: 2\r\n\r\n\r\n" NEXT),
     "GET / HTTP/1.1 {Content-Length: 2} @37\nend \"\\x0d\\x0a\"\n" NEXT_HEAD},
    {"any byte", BYTES("POST / HTTP/1.1\r\nContent-Length: 6\r\n\r\n\0\r\n\xff\x1b " NEXT),
     "POST / HTTP/1.1 {Content-Length: 6} @38\nend \"\\x00\\x0d\\x0a\\xff\\x1b \"\n" NEXT_HEAD},
    {"unfinished", BYTES("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhell"),
     "POST / HTTP/1.1 {Content-Length: 5} @38\nmore\n"},
    {"the largest", BYTES("POST / HTTP/1.1\r\nContent-Length: 18446744073709551615\r\n\r\nhell"),
     "POST / HTTP/1.1 {Content-Length: 18446744073709551615} @57\nmore\n"},
};

/* Behind CHUNKED; the body that must come out, or NULL for an error: then its status. */
static const struct {
    const char *name;
    const char *bytes;
    size_t len;
    const char *body;
    int status;
} chunks[] = {
    {"one", BYTES("5\r\nhello\r\n0\r\n\r\n"), "hello", 0},
    {"none", BYTES("0\r\n\r\n"), "", 0},
    {"two", BYTES("1\r\na\r\n2\r\nbc\r\n0\r\n\r\n"), "abc", 0},
    {"three that look like framing", BYTES("3\r\n0\r\n\r\n2\r\n\r\n\r\n1\r\n0\r\n0\r\n\r\n"),
     "0\\x0d\\x0a\\x0d\\x0a0", 0},
    {"hexadecimal", BYTES("a\r\n0123456789\r\nB\r\n0123456789a\r\n0\r\n\r\n"), "01234567890123456789a", 0},
    {"leading zeros", BYTES("0005\r\nhello\r\n000\r\n\r\n"), "hello", 0},
    {"sixteen digits", BYTES("0000000000000005\r\nhello\r\n0000000000000000\r\n\r\n"), "hello", 0},
    {"extension", BYTES("5;a=b\r\nhello\r\n0\r\n\r\n"), "hello", 0},
    {"extensions", BYTES("5;a;b=\"c;d\"\r\nhello\r\n0;z\r\n\r\n"), "hello", 0},
    {"quoted pair in an extension", BYTES("5;a=\"\\\"\"\r\nhello\r\n0\r\n\r\n"), "hello", 0},
    {"trailer", BYTES("1\r\na\r\n0\r\nX-Sum: 1\r\nY:\r\n\r\n"), "a", 0},
    {"trailers whose names begin like forbidden ones",
     BYTES("1\r\na\r\n0\r\nHosts: 1\r\nContent-Lengths: 2\r\nTransfer-Encoding2: 3\r\n\r\n"), "a", 0},
    {"trailer with a long name", BYTES("0\r\nTransfer-Encoding-of-a-very-long-kind: x\r\n\r\n"), "", 0},
    /* A trailer has no say in the message or the connection (RFC 9110, 6.5.1). */
    {"trailer Connection: close", BYTES("1\r\na\r\n0\r\nConnection: close\r\n\r\n"), "a", 0},
    {"trailer Upgrade", BYTES("1\r\na\r\n0\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n"), "a", 0},
    /* 11 */
    {"+1", BYTES("+1\r\na\r\n0\r\n\r\n"), NULL, 400},
    {"-1", BYTES("-1\r\na\r\n0\r\n\r\n"), NULL, 400},
    {"0x1", BYTES("0x1\r\na\r\n0\r\n\r\n"), NULL, 400},
    {"space behind the size", BYTES("1 \r\na\r\n0\r\n\r\n"), NULL, 400},
    {"tab behind the size", BYTES("1\t\r\na\r\n0\r\n\r\n"), NULL, 400},
    {"space before the size", BYTES(" 1\r\na\r\n0\r\n\r\n"), NULL, 400},
    {"space before an extension", BYTES("1 ;a\r\na\r\n0\r\n\r\n"), NULL, 400},
    {"no size", BYTES("\r\na\r\n0\r\n\r\n"), NULL, 400},
    {"extension without a size", BYTES(";a\r\na\r\n0\r\n\r\n"), NULL, 400},
    {"no digit", BYTES("g\r\na\r\n0\r\n\r\n"), NULL, 400},
    {"underscore", BYTES("1_0\r\n0123456789abcdef\r\n0\r\n\r\n"), NULL, 400},
    {"seventeen digits", BYTES("00000000000000001\r\na\r\n0\r\n\r\n"), NULL, 400},
    {"seventeen digits behind a chunk", BYTES("1\r\na\r\n00000000000000001\r\na\r\n0\r\n\r\n"), NULL, 400},
    {"seventeen digits of the last chunk", BYTES("1\r\na\r\n00000000000000000\r\n\r\n"), NULL, 400},
    {"seventeen digits and an extension", BYTES("00000000000000001;a=b\r\na\r\n0\r\n\r\n"), NULL, 400},
    {"2^64 + 1", BYTES("10000000000000001\r\na\r\n0\r\n\r\n"), NULL, 400},
    /* 12 */
    {"no CRLF behind the data", BYTES("1\r\nAXX0\r\n\r\n"), NULL, 400},
    {"data longer than its size", BYTES("1\r\nab\r\n0\r\n\r\n"), NULL, 400},
    {"data shorter than its size", BYTES("3\r\na\r\n0\r\n\r\n"), NULL, 400},
    {"CR only behind the data", BYTES("1\r\na\r0\r\n\r\n"), NULL, 400},
    /* 10, 13 */
    {"LF behind the size", BYTES("1\na\r\n0\r\n\r\n"), NULL, 400},
    {"CR only behind the size", BYTES("1\ra\r\n0\r\n\r\n"), NULL, 400},
    {"LF behind the data", BYTES("1\r\na\n0\r\n\r\n"), NULL, 400},
    {"LF behind the last size", BYTES("1\r\na\r\n0\n\r\n"), NULL, 400},
    {"LF ends the trailers", BYTES("1\r\na\r\n0\r\n\n"), NULL, 400},
    {"LF ends a trailer", BYTES("1\r\na\r\n0\r\nX: y\n\r\n"), NULL, 400},
    {"LF in an extension", BYTES("1;a\nb\r\na\r\n0\r\n\r\n"), NULL, 400},
    {"CR in an extension", BYTES("1;a\rb\r\na\r\n0\r\n\r\n"), NULL, 400},
    {"LF behind an extension", BYTES("1;a=b\na\r\n0\r\n\r\n"), NULL, 400},
    {"LF in a quoted extension", BYTES("1;a=\"\n\"\r\na\r\n0\r\n\r\n"), NULL, 400},
    {"CRLF in a quoted extension", BYTES("1;a=\"\r\n\"\r\na\r\n0\r\n\r\n"), NULL, 400},
    {"NUL in an extension", BYTES("1;a=\0\r\na\r\n0\r\n\r\n"), NULL, 400},
    /* 15 */
    {"trailer Content-Length", BYTES("1\r\na\r\n0\r\nContent-Length: 5\r\n\r\n"), NULL, 400},
    {"trailer transfer-encoding", BYTES("1\r\na\r\n0\r\ntransfer-encoding: chunked\r\n\r\n"), NULL, 400},
    {"trailer HOST", BYTES("1\r\na\r\n0\r\nHOST: b\r\n\r\n"), NULL, 400},
    {"second trailer Host", BYTES("1\r\na\r\n0\r\nX: y\r\nHost: b\r\n\r\n"), NULL, 400},
    /* 7, 17, 18 in trailers */
    {"folded trailer", BYTES("1\r\na\r\n0\r\nX: y\r\n z\r\n\r\n"), NULL, 400},
    {"space before the colon of a trailer", BYTES("1\r\na\r\n0\r\nX : y\r\n\r\n"), NULL, 400},
    {"NUL in a trailer", BYTES("1\r\na\r\n0\r\nX: \0\r\n\r\n"), NULL, 400},
    /* A request where a trailer could be is part of this message. */
    {"no empty line behind the last chunk", BYTES("1\r\na\r\n0\r\n"), NULL, 400},
};

static void test_lengths(void)
{
    for (size_t i = 0; i < COUNT(lengths); i++) {
        check_case = lengths[i].name;
        check_transcript(&options, lengths[i].bytes, lengths[i].len, lengths[i].expected);
    }
}

/* A request follows every body: it is read when the body was good, and never when it was not. */
static void test_chunks(void)
{
    for (size_t i = 0; i < COUNT(chunks); i++) {
        char bytes[512], expected[512];
        size_t len = (size_t)sprintf(bytes, "%s", CHUNKED);
        memcpy(bytes + len, chunks[i].bytes, chunks[i].len);
        len += chunks[i].len;
        len += (size_t)sprintf(bytes + len, "%s", NEXT);
        if (chunks[i].body != NULL)
            sprintf(expected, "%send \"%s\"\n%s", CHUNKED_HEAD, chunks[i].body, NEXT_HEAD);
        else
            sprintf(expected, "%s%d\n", CHUNKED_HEAD, chunks[i].status);
        check_case = chunks[i].name;
        check_transcript(&options, bytes, len, expected);
    }
}

/* 14: nothing ends a chunked body but its last empty line. */
static void test_unfinished(void)
{
    static const char bytes[] = CHUNKED "5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n";
    for (size_t len = sizeof CHUNKED - 1; len < sizeof bytes - 1; len++) {
        check_case = "unfinished";
        transcript t = transcript_of(&options, bytes, len, NULL, 0);
        CHECK_STR("more", transcript_last(&t));
        transcript_free(&t);
    }
    transcript t = transcript_of(&options, bytes, sizeof bytes - 1, NULL, 0);
    CHECK_STR("idle", transcript_last(&t));
    transcript_free(&t);
}

/* Many chunks in one read are joined, in whatever number and size, and none is lost at a growth of the buffer. */
static void test_gathered(void)
{
    static char bytes[200 * 1024], body[100 * 1024];
    size_t len = (size_t)sprintf(bytes, "%s", CHUNKED);
    size_t body_len = 0;
    unsigned random = 1;
    while (body_len + 4000 < sizeof body) {
        random = random * 1103515245u + 12345u;
        unsigned size = (random >> 16) % (random % 3 == 0 ? 3000 : 12) + 1;
        for (unsigned i = 0; i < size; i++)
            body[body_len + i] = (char)('a' + (body_len + i) % 23);
        len += (size_t)sprintf(bytes + len, "%x\r\n", size);
        memcpy(bytes + len, body + body_len, size);
        body_len += size;
        len += size;
        len += (size_t)sprintf(bytes + len, "\r\n");
    }
    check_case = "gathered";
    transcript whole = transcript_of(&options, bytes, len, NULL, 0);
    CHECK_INT(0, whole.status);
    CHECK_BYTES(body, body_len, whole.body, whole.body_len);
    for (size_t at = 1; at < len; at += 977) {
        transcript cut = transcript_of(&options, bytes, len, &at, 1);
        check_same(&whole, &cut, at);
        transcript_free(&cut);
    }
    transcript_free(&whole);
}

int main(void)
{
    test_lengths();
    test_chunks();
    test_unfinished();
    test_gathered();
    fs_head_pool_clear();
    return check_end("test_body");
}
