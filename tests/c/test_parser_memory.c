/* What does a parser hold, what does it give back, and what if there is no memory? */
#include "failing.h"

#include "../../csrc/head.c"

#include "../../csrc/body.c"

#include "../../csrc/parser.c"

#undef malloc
#undef realloc

#include "cuts.h"

static const fs_limits limits = {1 << 20, 1 << 20, 1000, 64};
static const transcript_options options = {.limits = &limits};

static fs_event feed(fs_parser *parser, const char *bytes)
{
    size_t consumed;
    return fs_parser_feed(parser, bytes, strlen(bytes), &consumed);
}

static void test_idle_holds_nothing(void)
{
    fs_parser parser;
    check_case = "idle";
    fs_parser_init(&parser, &limits);
    CHECK(parser.head == NULL && parser.saved == NULL && parser.body.gathered == NULL);
    CHECK_INT(FS_MORE, feed(&parser, "GET / HTTP/1.1\r\nHo"));
    CHECK(parser.head != NULL && parser.saved != NULL);
    CHECK(fs_parser_head_begun(&parser));
    CHECK_INT(FS_HEAD_END, feed(&parser, "st: a\r\n\r\n"));
    CHECK(parser.base == parser.saved); /* joined once */
    fs_parser_release_head(&parser);
    CHECK(parser.head == NULL && parser.saved == NULL);
    CHECK(!fs_parser_head_begun(&parser));

    CHECK_INT(FS_HEAD, feed(&parser, "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"));
    CHECK(parser.saved == NULL); /* a head in one piece is not copied */
    fs_parser_release_head(&parser);
    CHECK(!fs_parser_head_begun(&parser));
    CHECK_INT(FS_END, feed(&parser, "1\r\na\r\n1\r\nb\r\n0\r\n\r\n"));
    CHECK(parser.body.data == parser.body.gathered && parser.body.len == 2);
    fs_parser_release_body(&parser);
    CHECK(parser.body.gathered == NULL && parser.head == NULL);

    CHECK_INT(FS_MORE, feed(&parser, "\r\n")); /* some clients send one behind a body */
    CHECK(!fs_parser_head_begun(&parser));
    CHECK_INT(FS_MORE, feed(&parser, "G"));
    CHECK(fs_parser_head_begun(&parser));
    fs_parser_destroy(&parser);
    fs_parser_destroy(&parser);
    CHECK(parser.head == NULL && parser.saved == NULL && parser.body.gathered == NULL);
}

/* A body that lies in one piece is not copied. */
static void test_body_borrowed(void)
{
    static const char body[] = "4\r\nabcd\r\n";
    fs_parser parser;
    size_t consumed;
    check_case = "borrowed body";
    fs_parser_init(&parser, &limits);
    CHECK_INT(FS_HEAD, feed(&parser, "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"));
    CHECK_INT(FS_MORE, fs_parser_feed(&parser, body, sizeof body - 1, &consumed));
    CHECK(parser.body.data == body + 3 && parser.body.len == 4 && parser.body.gathered == NULL);
    CHECK_INT(FS_MORE, fs_parser_feed(&parser, body, 3, &consumed));
    CHECK_INT(0, parser.body.len);
    fs_parser_destroy(&parser);
}

static void test_pool(void)
{
    enum { PARSERS = POOL_MAX + 4 };
    fs_parser parsers[PARSERS];
    check_case = "pool";
    fs_head_pool_clear();
    for (int i = 0; i < PARSERS; i++) {
        fs_parser_init(&parsers[i], &limits);
        CHECK_INT(FS_HEAD_END, feed(&parsers[i], "GET /before HTTP/1.1\r\nA: 1\r\nB: 2\r\n\r\n"));
    }
    for (int i = 0; i < PARSERS; i++)
        for (int k = 0; k < i; k++)
            CHECK(parsers[i].head != parsers[k].head);
    fs_head *first = parsers[PARSERS - 1].head;
    for (int i = 0; i < PARSERS; i++)
        fs_parser_release_head(&parsers[PARSERS - 1 - i]);
    CHECK_INT(POOL_MAX, pool_len);

    /* What comes out of the pool remembers nothing. */
    unsigned long calls = failing_calls;
    for (int i = 0; i < POOL_MAX; i++) {
        CHECK_INT(FS_HEAD_END, feed(&parsers[i], "GET / HTTP/1.1\r\nC:\r\n\r\n"));
        CHECK_INT(1, parsers[i].head->field_count);
        CHECK_INT(4, parsers[i].head->target.off);
        CHECK_INT(1, parsers[i].head->target.len);
        CHECK_INT(0, parsers[i].head->fields[0].value.len);
    }
    CHECK_INT(calls, failing_calls);
    CHECK(first == parsers[POOL_MAX - 1].head); /* the first in is the last out */
    CHECK_INT(0, pool_len);
    for (int i = 0; i < PARSERS; i++)
        fs_parser_destroy(&parsers[i]);
    CHECK_INT(POOL_MAX, pool_len);
    fs_head_pool_clear();
    CHECK(pool == NULL);
    CHECK_INT(0, pool_len);
}

static size_t put_fields(char *out, int count)
{
    size_t len = (size_t)sprintf(out, "GET / HTTP/1.1\r\n");
    for (int i = 0; i < count; i++)
        len += (size_t)sprintf(out + len, "N%d: %d\r\n", i, i);
    return len + (size_t)sprintf(out + len, "\r\n");
}

/* The array of fields grows, and what it held moves along. */
static void test_growth(void)
{
    static char bytes[32 * 1024];
    check_case = "growth";
    for (int count = 0; count <= 300; count += 25) {
        size_t len = put_fields(bytes, count);
        fs_parser parser;
        size_t consumed;
        fs_parser_init(&parser, &limits);
        CHECK_INT(FS_HEAD_END, fs_parser_feed(&parser, bytes, len, &consumed));
        CHECK_INT(count, parser.head->field_count);
        for (int i = 0; i < count; i++) {
            char name[16];
            fs_span span = parser.head->fields[i].name;
            CHECK_BYTES(name, (size_t)sprintf(name, "N%d", i), parser.base + span.off, span.len);
        }
        fs_parser_destroy(&parser);
    }
}

/* Every allocation of a conversation fails once: a 503 comes, or nobody notices; and nothing leaks (LeakSanitizer). */
static void test_out_of_memory(void)
{
    static char bytes[8192];
    size_t len = put_fields(bytes, 2 * FIELDS_FIRST + 1);
    len += (size_t)sprintf(bytes + len, "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 3; i++)
        len += (size_t)sprintf(bytes + len, "3\r\nabc\r\n");
    len += (size_t)sprintf(bytes + len, "0\r\n\r\n");
    check_case = "out of memory";
    for (size_t cut = 0; cut < len; cut += 97) {
        long failures = 0;
        for (;;) {
            fs_head_pool_clear();
            unsigned long calls = failing_calls;
            failing_after = failures;
            transcript t = transcript_of(&options, bytes, len, &cut, 1);
            int failed = failing_calls > calls + (unsigned long)failures;
            failing_after = -1;
            CHECK(t.fault == NULL);
            CHECK_INT(failed ? 503 : 0, t.status);
            transcript_free(&t);
            if (!failed)
                break;
            failures++;
        }
        CHECK(failures >= 4); /* the recorder, its fields twice, the joined body */
    }
    fs_head_pool_clear();
}

int main(void)
{
    test_idle_holds_nothing();
    test_body_borrowed();
    test_pool();
    test_growth();
    test_out_of_memory();
    return check_end("test_parser_memory");
}
