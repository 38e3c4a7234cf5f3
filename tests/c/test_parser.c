/* Where does what begin and end? Messages behind each other.
 *
 * Every row is fed whole, byte by byte, and cut at every offset (cuts.h). A number in a comment is the row of the wire
 * cases that the line belongs to.
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
} pipelines[] = {
    {"two", BYTES(G "\r\nGET /b HTTP/1.1\r\nX: y\r\n\r\n"),
     "GET / HTTP/1.1 {Host: a} @27 end\nGET /b HTTP/1.1 {X: y} @25 end\nidle\n"},
    {"empty line between", BYTES(G "\r\n\r\n" G "\r\n"),
     "GET / HTTP/1.1 {Host: a} @27 end\nGET / HTTP/1.1 {Host: a} @29 end\nidle\n"},
    {"two and a half", BYTES(G "\r\n" G "\r\n" G "X: "),
     "GET / HTTP/1.1 {Host: a} @27 end\nGET / HTTP/1.1 {Host: a} @27 end\nmore\n"},
    {"bodies of each kind between",
     BYTES(G "\r\nPOST /1 HTTP/1.1\r\nContent-Length: 5\r\n\r\nGET /"
             "POST /2 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nGET\r\n2\r\n /\r\n0\r\nT: t\r\n\r\n"
             "POST /3 HTTP/1.1\r\nContent-Length: 0\r\n\r\n" G "\r\n"),
     "GET / HTTP/1.1 {Host: a} @27 end\n"
     "POST /1 HTTP/1.1 {Content-Length: 5} @39\nend \"GET /\"\n"
     "POST /2 HTTP/1.1 {Transfer-Encoding: chunked} @48\nend \"GET /\"\n"
     "POST /3 HTTP/1.1 {Content-Length: 0} @39 end\n"
     "GET / HTTP/1.1 {Host: a} @27 end\nidle\n"},
    /* 34 */
    {"upgrade with a body, and a request behind it",
     BYTES("POST / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nTransfer-Encoding: chunked\r\n\r\n"
           "1\r\nx\r\n0\r\n\r\n" G "\r\n"),
     "POST / HTTP/1.1 {Connection: Upgrade} {Upgrade: h2c} {Transfer-Encoding: chunked} @82\nend \"x\"\n"
     "GET / HTTP/1.1 {Host: a} @27 end\nidle\n"},
    /* Persistence is the rules' verdict: neither of these stops the parser. */
    {"behind Connection: close", BYTES(G "Connection: close\r\n\r\n" G "\r\n"),
     "GET / HTTP/1.1 {Host: a} {Connection: close} @46 end\nGET / HTTP/1.1 {Host: a} @27 end\nidle\n"},
    {"behind Proxy-Connection: close", BYTES(G "Proxy-Connection: close\r\n\r\n" G "\r\n"),
     "GET / HTTP/1.1 {Host: a} {Proxy-Connection: close} @52 end\nGET / HTTP/1.1 {Host: a} @27 end\nidle\n"},
    {"behind HTTP/1.0", BYTES("GET / HTTP/1.0\r\n\r\n" G "\r\n"),
     "GET / HTTP/1.0 @18 end\nGET / HTTP/1.1 {Host: a} @27 end\nidle\n"},
    {"rubbish behind a message", BYTES(G "\r\n{}"), "GET / HTTP/1.1 {Host: a} @27 end\n400\n"},
};

static void test_pipelines(void)
{
    for (size_t i = 0; i < COUNT(pipelines); i++) {
        check_case = pipelines[i].name;
        check_transcript(&options, pipelines[i].bytes, pipelines[i].len, pipelines[i].expected);
    }
}

/* Spans are numbers from the first byte of the message, in every message anew. */
static void test_offsets(void)
{
    static const char bytes[] = "GET /abc HTTP/1.1\r\nHost: a\r\nEmpty:\r\n\r\n\r\nGET /d HTTP/1.1\r\nB:  c\r\n\r\n";
    check_case = "offsets";
    transcript t = transcript_of(&options, bytes, sizeof bytes - 1, NULL, 0);
    CHECK_STR("4+4 19+4 25+1 28+5 0+0 6+2 19+1 23+1 ", t.spans);
    transcript_free(&t);
}

int main(void)
{
    test_pipelines();
    test_offsets();
    fs_head_pool_clear();
    return check_end("test_parser");
}
