/* Where are the parts of this head?
 *
 * Every row is fed whole, byte by byte, and cut at every offset (cuts.h). A number in a comment is the row of the wire
 * cases that the line belongs to. What llhttp takes and only the rules refuse is in test_rules.c.
 */
#include "cuts.h"

static const fs_limits limits = {256, 1024, 32, 64};
static const transcript_options options = {.limits = &limits};

#define G "GET / HTTP/1.1\r\nHost: a\r\n"

static const struct {
    const char *name;
    const char *bytes;
    size_t len;
    const char *expected;
} heads[] = {
    {"no field", BYTES("GET / HTTP/1.1\r\n\r\n"), "GET / HTTP/1.1 @18 end\nidle\n"},
    {"one field", BYTES(G "\r\n"), "GET / HTTP/1.1 {Host: a} @27 end\nidle\n"},
    {"nothing", BYTES(""), "idle\n"},
    {"a part of a head", BYTES(G), "more\n"},
    {"all but the last byte", BYTES(G "\r"), "more\n"},
    {"empty line only", BYTES("\r\n"), "idle\n"},
    {"empty lines first", BYTES("\r\n\r\nGET / HTTP/1.1\r\n\r\n"), "GET / HTTP/1.1 @22 end\nidle\n"},
    {"long target", BYTES("GET /a/b;c?d=e&f=%20 HTTP/1.1\r\n\r\n"), "GET /a/b;c?d=e&f=%20 HTTP/1.1 @33 end\nidle\n"},
    {"absolute form", BYTES("GET http://a:8/b HTTP/1.1\r\n\r\n"), "GET http://a:8/b HTTP/1.1 @29 end\nidle\n"},
    {"asterisk form", BYTES("OPTIONS * HTTP/1.1\r\n\r\n"), "OPTIONS * HTTP/1.1 @22 end\nidle\n"},
    {"a method with a dash", BYTES("M-SEARCH / HTTP/1.0\r\n\r\n"), "M-SEARCH / HTTP/1.0 @23 end\nidle\n"},
    {"empty value", BYTES("GET / HTTP/1.1\r\nA:\r\nB: \r\nC: 1\r\n\r\n"),
     "GET / HTTP/1.1 {A: } {B: } {C: 1} @33 end\nidle\n"},
    {"spaces around a value", BYTES("GET / HTTP/1.1\r\nA: \t b c \t\r\n\r\n"),
     "GET / HTTP/1.1 {A: b c \\x09} @30 end\nidle\n"},
    {"colons in a value", BYTES("GET / HTTP/1.1\r\nA::b:\r\n\r\n"), "GET / HTTP/1.1 {A: :b:} @25 end\nidle\n"},
    {"one name twice", BYTES("GET / HTTP/1.1\r\nA: 1\r\na: 2\r\nA: 3\r\n\r\n"),
     "GET / HTTP/1.1 {A: 1} {a: 2} {A: 3} @36 end\nidle\n"},
    {"every kind of token character", BYTES("GET / HTTP/1.1\r\n!#$%&'*+-.^_`|~09azAZ: x\r\n\r\n"),
     "GET / HTTP/1.1 {!#$%&'*+-.^_`|~09azAZ: x} @44 end\nidle\n"},
    /* 19 */
    {"obs-text in a value", BYTES("GET / HTTP/1.1\r\nA: x\x85y\xa0\xff\r\n\r\n"),
     "GET / HTTP/1.1 {A: x\\x85y\\xa0\\xff} @28 end\nidle\n"},
    {"upgrade without a body", BYTES(G "Connection: upgrade\r\nUpgrade: websocket\r\n\r\n" G "\r\n"),
     "GET / HTTP/1.1 {Host: a} {Connection: upgrade} {Upgrade: websocket} @68 end\n"
     "GET / HTTP/1.1 {Host: a} @27 end\nidle\n"},
    {"CONNECT is no tunnel", BYTES("CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n" G "\r\n"),
     "CONNECT a:443 HTTP/1.1 {Host: a} @35 end\nGET / HTTP/1.1 {Host: a} @27 end\nidle\n"},
};

static const struct {
    int status;
    const char *name;
    const char *bytes;
    size_t len;
} refusals[] = {
    /* 2, 3: what llhttp refuses of them */
    {400, "Content-Length twice", BYTES(G "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx")},
    {400, "Content-Length: +10", BYTES(G "Content-Length: +10\r\n\r\n0123456789")},
    {400, "Content-Length: -1", BYTES(G "Content-Length: -1\r\n\r\n")},
    {400, "Content-Length: 0x5", BYTES(G "Content-Length: 0x5\r\n\r\nhello")},
    {400, "Content-Length: 5, 5", BYTES(G "Content-Length: 5, 5\r\n\r\nhello")},
    {400, "Content-Length: 5 5", BYTES(G "Content-Length: 5 5\r\n\r\nhello")},
    {400, "thirty digits", BYTES(G "Content-Length: 999999999999999999999999999999\r\n\r\n")},
    {400, "2^64 + 5", BYTES(G "Content-Length: 18446744073709551621\r\n\r\nhello")},
    /* 6, 7 */
    {400, "folded", BYTES("POST / HTTP/1.1\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n")},
    {400, "folded value", BYTES(G "X: a\r\n b\r\n\r\n")},
    {400, "folded by a tab", BYTES(G "X: a\r\n\tb\r\n\r\n")},
    {400, "space before the first field", BYTES("GET / HTTP/1.1\r\n Host: a\r\n\r\n")},
    {400, "tab before the first field", BYTES("GET / HTTP/1.1\r\n\tHost: a\r\n\r\n")},
    {400, "an empty line of spaces", BYTES(G " \r\n\r\n")},
    /* 9, 10 */
    {400, "bare CR in a value", BYTES(G "X: a\rTransfer-Encoding: chunked\r\n\r\n")},
    {400, "bare CR before the value", BYTES(G "X:\ra\r\n\r\n")},
    {400, "LF ends the request line", BYTES("GET / HTTP/1.1\nHost: a\r\n\r\n")},
    {400, "LF LF", BYTES("GET / HTTP/1.1\n\n")},
    {400, "LF ends a field", BYTES("GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n")},
    {400, "LF ends an empty field", BYTES("GET / HTTP/1.1\r\nHost:\nX: b\r\n\r\n")},
    {400, "LF ends the head", BYTES(G "\n")},
    {400, "CR alone ends the request line", BYTES("GET / HTTP/1.1\rHost: a\r\n\r\n")},
    {400, "CR alone ends the head", BYTES(G "\rGET / HTTP/1.1\r\n\r\n")},
    {400, "CR CR LF", BYTES(G "\r\r\n")},
    /* 17, 18 */
    {400, "space before the colon", BYTES(G "Foo : x\r\n\r\n")},
    {400, "space before the colon of a name llhttp knows", BYTES(G "Content-Length : 5\r\n\r\nhello")},
    {400, "tab before the colon", BYTES(G "Foo\t: x\r\n\r\n")},
    {400, "no name", BYTES(G ": x\r\n\r\n")},
    {400, "no colon", BYTES(G "Foo\r\n\r\n")},
    {400, "NUL in a name", BYTES(G "F\0o: x\r\n\r\n")},
    {400, "control character in a name", BYTES(G "F\x01o: x\r\n\r\n")},
    {400, "obs-text in a name", BYTES(G "F\xe9o: x\r\n\r\n")},
    {400, "NUL in a value", BYTES(G "X: a\0b\r\n\r\n")},
    {400, "BEL in a value", BYTES(G "X: a\x07\r\n\r\n")},
    {400, "DEL in a value", BYTES(G "X: a\x7f\r\n\r\n")},
    {400, "vertical tab in a value", BYTES(G "X: a\x0b\r\n\r\n")},
    {400, "form feed in a value", BYTES(G "X: a\x0c\r\n\r\n")},
    {400, "0x1c in a value", BYTES(G "X: a\x1c\r\n\r\n")},
    {400, "0x1e in a value", BYTES(G "X: \x1e\r\n\r\n")},
    /* 22 */
    {400, "target foo", BYTES("GET foo HTTP/1.1\r\nHost: a\r\n\r\n")},
    {400, "target a:80", BYTES("GET a:80 HTTP/1.1\r\nHost: a\r\n\r\n")},
    {400, "no target", BYTES("GET  HTTP/1.1\r\nHost: a\r\n\r\n")},
    {400, "no target, no version", BYTES("GET \r\n\r\n")},
    {400, "control character in the target", BYTES("GET /\x01 HTTP/1.1\r\n\r\n")},
    {400, "tab in the target", BYTES("GET /\ta HTTP/1.1\r\n\r\n")},
    {400, "NUL in the target", BYTES("GET /\0 HTTP/1.1\r\n\r\n")},
    /* 24 */
    {505, "HTTP/1.10", BYTES("GET / HTTP/1.10\r\n\r\n")},
    {505, "HTTP/1.2", BYTES("GET / HTTP/1.2\r\n\r\n")},
    {505, "HTTP/3.0", BYTES("GET / HTTP/3.0\r\n\r\n")},
    {505, "HTTP/11", BYTES("GET / HTTP/11\r\n\r\n")},
    {505, "the preface of HTTP/2", BYTES("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")},
    {505, "a broken preface", BYTES("PRI * HTTP/2.0\r\nHost: a\r\n\r\n")},
    {400, "http/1.1", BYTES("GET / http/1.1\r\n\r\n")},
    {400, "HTP/1.1", BYTES("GET / HTP/1.1\r\n\r\n")},
    {400, "method get#", BYTES("get# / HTTP/1.1\r\n\r\n")},
    {400, "method get", BYTES("get / HTTP/1.1\r\n\r\n")},
    {400, "method GET#", BYTES("GET# / HTTP/1.1\r\n\r\n")},
    {400, "tab behind the method", BYTES("GET\t/ HTTP/1.1\r\n\r\n")},
    {400, "method only", BYTES("GET\r\n\r\n")},
    {400, "a part of a method", BYTES("GE\r\n\r\n")},
    {400, "a space first", BYTES(" GET / HTTP/1.1\r\n\r\n")},
    {400, "TLS", BYTES("\x16\x03\x01\x02\x00\x01\x00\x01")},
    {501, "method FOO", BYTES("FOO / HTTP/1.1\r\n\r\n")},
    {501, "method GETX", BYTES("GETX / HTTP/1.1\r\n\r\n")},
    {501, "method FOO behind an empty line", BYTES("\r\nFOO / HTTP/1.1\r\n\r\n")},
};

/* A refused head gives no event before the error, and (transcript.c) none behind it. */
static void test_refusals(void)
{
    for (size_t i = 0; i < COUNT(refusals); i++) {
        char expected[8];
        snprintf(expected, sizeof expected, "%d\n", refusals[i].status);
        check_case = refusals[i].name;
        check_transcript(&options, refusals[i].bytes, refusals[i].len, expected);
    }
}

static void test_heads(void)
{
    for (size_t i = 0; i < COUNT(heads); i++) {
        check_case = heads[i].name;
        check_transcript(&options, heads[i].bytes, heads[i].len, heads[i].expected);
    }
}

int main(void)
{
    test_heads();
    test_refusals();
    fs_head_pool_clear();
    return check_end("test_head");
}
