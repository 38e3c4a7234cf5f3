/* May this head be served? Heads that come through the parser, where llhttp's reading and ours have to agree.
 *
 * Every row is fed whole, byte by byte, and cut at every offset (cuts.h). A number in a comment is the row of the wire
 * cases that the line belongs to; what llhttp refuses of them by itself is in test_head.c and test_body.c.
 */
#include "cuts.h"
#include "names.h"

static const fs_limits limits = {256, 1024, 32, 64};
static const transcript_options options = {.limits = &limits, .judged = 1};

#define P "POST / HTTP/1.1\r\nHost: a\r\n"
#define G "GET / HTTP/1.1\r\nHost: a\r\n"
#define TE "Transfer-Encoding: chunked\r\n"
#define ADMIN "GET /admin HTTP/1.1\r\nHost: a\r\n\r\n"

/* No second request may come out of these, and no body. The last line's status: ours with a reason, or llhttp's. */
static const struct {
    int row;
    int status;
    const char *bytes;
    size_t len;
} refused[] = {
    {1, 400, BYTES(P "Content-Length: 4\r\n" TE "\r\n0\r\n\r\n" ADMIN)},
    {1, 400, BYTES(P TE "Content-Length: 4\r\n\r\n0\r\n\r\n" ADMIN)},
    {1, 400, BYTES(P "Content-Length: 0\r\n" TE "\r\n0\r\n\r\n" ADMIN)},
    {2, 400, BYTES(P "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello" ADMIN)},
    {2, 400, BYTES(P "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello" ADMIN)},
    {2, 400, BYTES(P "Content-Length: 5, 5\r\n\r\nhello" ADMIN)},
    {3, 400, BYTES(P "Content-Length: +10\r\n\r\n" ADMIN)},
    {3, 400, BYTES(P "Content-Length: -1\r\n\r\n" ADMIN)},
    {3, 400, BYTES(P "Content-Length: 0x5\r\n\r\n" ADMIN)},
    {3, 400, BYTES(P "Content-Length: 000000000000000000000000000005\r\n\r\nhello" ADMIN)},
    {3, 400, BYTES(P "Content-Length: 1000000000000000000\r\n\r\nhello" ADMIN)},
    {3, 400, BYTES(P "Content-Length:\r\n\r\n" ADMIN)},
    {3, 400, BYTES(P "Content-Length: \t\r\n\r\n" ADMIN)},
    {4, 501, BYTES(P "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" ADMIN)},
    {4, 400, BYTES(P "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" ADMIN)},
    {4, 400, BYTES(P "Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n" ADMIN)},
    {4, 400, BYTES(P "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n" ADMIN)},
    {4, 400, BYTES(P "Transfer-Encoding:\r\n\r\n0\r\n\r\n" ADMIN)},
    {4, 400, BYTES(P "Transfer-Encoding: \r\n\r\n" ADMIN)},
    {4, 501, BYTES(P "Transfer-Encoding: gzip\r\n\r\n0\r\n\r\n" ADMIN)},
    {4, 400, BYTES(P "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" ADMIN)},
    {4, 501, BYTES(P "Transfer-Encoding: chunkedx\r\n\r\n0\r\n\r\n" ADMIN)},
    {4, 400, BYTES(P "Transfer-Encoding: chunked,\r\n\r\n0\r\n\r\n" ADMIN)},
    {4, 400, BYTES(P "Transfer-Encoding: chunked\t\r\n\r\n0\r\n\r\n" ADMIN)}, /* right, but not for llhttp */
    {5, 400, BYTES(P TE TE "\r\n0\r\n\r\n" ADMIN)},
    {5, 400, BYTES(P TE "Transfer-Encoding: identity\r\n\r\n0\r\n\r\n" ADMIN)},
    {5, 400, BYTES(P "Transfer-Encoding: identity\r\n" TE "\r\n0\r\n\r\n" ADMIN)},
    {6, 400, BYTES(P "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" ADMIN)},
    {6, 400, BYTES(P "X: y\r\n " TE "\r\n0\r\n\r\n" ADMIN)},
    {7, 400, BYTES("POST / HTTP/1.1\r\n Host: a\r\n\r\n" ADMIN)},
    {7, 400, BYTES(P "\tX: y\r\n\r\n" ADMIN)},
    {8, 400, BYTES("POST / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n" TE "\r\n0\r\n\r\n" ADMIN)},
    {9, 400, BYTES(P "X: y\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" ADMIN)},
    {10, 400, BYTES(P "X: y\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" ADMIN)},
    {10, 400, BYTES("\n" G "\r\n" ADMIN)},
    {10, 400, BYTES("\r\n\n" G "\r\n" ADMIN)},
    {10, 400, BYTES("\r" G "\r\n" ADMIN)},
    {10, 400, BYTES("\r\r\n" G "\r\n" ADMIN)},
    {15, 400, BYTES("GET / HTTP/1.1\r\nTrailer: Host\r\n" TE "\r\n0\r\nHost: a\r\n\r\n" ADMIN)},
    {17, 400, BYTES(P "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" ADMIN)},
    {17, 400, BYTES(P ": x\r\n\r\n" ADMIN)},
    {17, 400, BYTES(P "Transfer\0-Encoding: chunked\r\n\r\n0\r\n\r\n" ADMIN)},
    {18, 400, BYTES(P "Transfer-Encoding: \x0b" "chunked\r\n\r\n0\r\n\r\n" ADMIN)},
    {18, 400, BYTES(P "Content-Length: 5\x0c\r\n\r\nhello" ADMIN)},
    {20, 400, BYTES("GET / HTTP/1.1\r\n\r\n" ADMIN)},
    {20, 400, BYTES(G "Host: a\r\n\r\n" ADMIN)},
    {21, 400, BYTES("GET / HTTP/1.1\r\nHost: a/x?\r\n\r\n" ADMIN)},
    {21, 400, BYTES("GET / HTTP/1.1\r\nHost: a@b\r\n\r\n" ADMIN)},
    {22, 400, BYTES("GET * HTTP/1.1\r\nHost: a\r\n\r\n" ADMIN)},
    {22, 400, BYTES("GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n" ADMIN)},
    {22, 400, BYTES("GET http://a@b/ HTTP/1.1\r\nHost: a\r\n\r\n" ADMIN)},
    {22, 400, BYTES("GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n" ADMIN)},
    {23, 501, BYTES("CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n" ADMIN)},
    {23, 501, BYTES("CONNECT a:443 HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nabcd" ADMIN)},
    {24, 505, BYTES("GET / HTTP/2.0\r\nHost: a\r\n\r\n" ADMIN)},
    {24, 505, BYTES("GET / HTTP/0.9\r\nHost: a\r\n\r\n" ADMIN)},
    {24, 505, BYTES("GET /\r\n\r\n" ADMIN)}, /* HTTP/0.9 as it was */
    {24, 400, BYTES("GET / RTSP/1.1\r\nHost: a\r\n\r\n" ADMIN)},
    {24, 400, BYTES("OPTIONS rtsp://a RTSP/1.0\r\nHost: a\r\n\r\n" ADMIN)},
    {24, 400, BYTES("SOURCE / ICE/1.1\r\nHost: a\r\n\r\n" ADMIN)},
    /* RFC 9112, 3: one space, and no more */
    {24, 400, BYTES("GET  / HTTP/1.1\r\nHost: a\r\n\r\n" ADMIN)},
    {24, 400, BYTES("GET /  HTTP/1.1\r\nHost: a\r\n\r\n" ADMIN)},
};

static void test_refused(void)
{
    for (size_t i = 0; i < COUNT(refused); i++) {
        char name[32];
        snprintf(name, sizeof name, "row %d, line %zu", refused[i].row, i);
        check_case = name;
        transcript t = transcript_of_every_cut(&options, refused[i].bytes, refused[i].len);
        CHECK_INT(refused[i].status, t.status);
        CHECK(strstr(t.text, "/admin") == NULL);
        CHECK(strstr(t.text, "end \"") == NULL);
        CHECK(strstr(t.text, "path=") == NULL);
        transcript_free(&t);
    }
}

static const struct {
    const char *name;
    const char *bytes;
    size_t len;
    const char *expected;
} served[] = {
    {"the simplest", BYTES(G "\r\n"), "GET / HTTP/1.1 {Host: a} @27 end\n  path=/ query=\nidle\n"},
    {"1.0 without Host", BYTES("GET / HTTP/1.0\r\n\r\n" ADMIN), "GET / HTTP/1.0 @18 end\n  path=/ query=\nclosed\n"},
    {"1.0 with keep-alive", BYTES("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" ADMIN),
     "GET / HTTP/1.0 {Connection: keep-alive} @42 end\n  path=/ query=\n"
     "GET /admin HTTP/1.1 {Host: a} @32 end\n  path=/admin query=\nidle\n"},
    {"white space in a value", BYTES(G "X: \t y z \t\r\n\r\n"),
     "GET / HTTP/1.1 {Host: a} {X: y z \\x09} @39 end\n  path=/ query=\nidle\n"},
    {"body by length", BYTES(P "Content-Length: 5\t\r\n\r\nhello" ADMIN),
     "POST / HTTP/1.1 {Host: a} {Content-Length: 5\\x09} @48\n  path=/ query= length=5\nend \"hello\"\n"
     "GET /admin HTTP/1.1 {Host: a} @32 end\n  path=/admin query=\nidle\n"},
    {"body by chunks", BYTES(P TE "\r\n5\r\nhello\r\n0\r\n\r\n" ADMIN),
     "POST / HTTP/1.1 {Host: a} {Transfer-Encoding: chunked} @56\n  path=/ query= chunked\nend \"hello\"\n"
     "GET /admin HTTP/1.1 {Host: a} @32 end\n  path=/admin query=\nidle\n"},
    {"absolute form", BYTES("GET http://b:1/c?d HTTP/1.1\r\nHost: a\r\n\r\n"),
     "GET http://b:1/c?d HTTP/1.1 {Host: a} @40 end\n  path=/c query=d authority=b:1\nidle\n"},
    /* 29, 30 */
    {"rubbish behind the last request", BYTES(G "Connection: close\r\n\r\n\x01\x02"),
     "GET / HTTP/1.1 {Host: a} {Connection: close} @46 end\n  path=/ query=\nclosed\n"},
    {"close and a tab", BYTES(G "Connection: close\t\r\n\r\n" ADMIN),
     "GET / HTTP/1.1 {Host: a} {Connection: close\\x09} @47 end\n  path=/ query=\nclosed\n"},
    /* 34 */
    {"upgrade with a body", BYTES(P "Connection: upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\nhi" ADMIN),
     "POST / HTTP/1.1 {Host: a} {Connection: upgrade} {Upgrade: h2c} {Content-Length: 2} @82\n"
     "  path=/ query= length=2 upgrade\nend \"hi\"\n"
     "GET /admin HTTP/1.1 {Host: a} @32 end\n  path=/admin query=\nidle\n"},
    /* 36 */
    {"Expect", BYTES(P "Expect: 100-continue\r\nContent-Length: 2\r\n\r\nhi"),
     "POST / HTTP/1.1 {Host: a} {Expect: 100-continue} {Content-Length: 2} @69\n"
     "  path=/ query= length=2 expects-continue\nend \"hi\"\nidle\n"},
};

static void test_served(void)
{
    for (size_t i = 0; i < COUNT(served); i++) {
        check_case = served[i].name;
        check_transcript(&options, served[i].bytes, served[i].len, served[i].expected);
    }
}

/* 33: a refusal does not undo what came before it. */
static void test_refused_behind_served(void)
{
    check_case = "good, then bad";
    check_transcript(&options, BYTES(G "\r\nGET / HTTP/1.1\r\n\r\n" ADMIN),
                     "GET / HTTP/1.1 {Host: a} @27 end\n  path=/ query=\nGET / HTTP/1.1 @18 end\n  400 no Host\n");
}

/* Trimming and naming reach the fields that the parser recorded. */
static void test_fields_are_finished(void)
{
    fs_parser parser;
    fs_verdict verdict;
    size_t consumed;
    static const char bytes[] = G "X-Y: \t v \t\r\nUSER-agent: z\r\n\r\n";
    check_case = "fields";
    fs_parser_init(&parser, &limits);
    CHECK_INT(FS_HEAD_END, fs_parser_feed(&parser, bytes, sizeof bytes - 1, &consumed));
    fs_judge_parser(&parser, &verdict);
    CHECK_INT(0, verdict.status);
    const fs_field *fields = parser.head->fields;
    CHECK_INT(FS_NAME_HOST, fields[0].id);
    CHECK_INT(FS_NAME_UNKNOWN, fields[1].id);
    CHECK_BYTES("v", 1, parser.base + fields[1].value.off, fields[1].value.len);
    CHECK_INT(FS_NAME_USER_AGENT, fields[2].id);
    fs_parser_destroy(&parser);
}

int main(void)
{
    test_refused();
    test_served();
    test_refused_behind_served();
    test_fields_are_finished();
    fs_head_pool_clear();
    return check_end("test_rules_wire");
}
