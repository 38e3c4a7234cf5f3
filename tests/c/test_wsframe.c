/* Where does a frame begin and end, and may it stand there? */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "wsframe.h"

#define KEY "\x01\x02\x03\x04"

static char seen[4096];
static size_t seen_len;

static void say(const char *text, size_t len)
{
    if (seen_len + len > sizeof seen)
        abort();
    memcpy(seen + seen_len, text, len);
    seen_len += len;
}

/* Reads all bytes in pieces of `step`, and writes down each frame as "opcode fin message compressed: payload;". */
static const char *read_in_steps(const char *bytes, size_t len, size_t step, int may_compress)
{
    fs_ws_reader reader;
    char line[64], payload[512];
    fs_ws_reader_init(&reader, may_compress);
    seen_len = 0;
    for (size_t at = 0; at < len;) {
        size_t end = at + step < len ? at + step : len;
        while (at < end) {
            if (!reader.in_frame) {
                size_t used;
                fs_ws_event event = fs_ws_read_head(&reader, bytes + at, end - at, &used);
                at += used;
                if (event == FS_WS_ERROR) {
                    say(reader.error, strlen(reader.error));
                    return seen;
                }
                if (event == FS_WS_MORE) {
                    CHECK(at == end);
                    break;
                }
                int written = snprintf(line, sizeof line, "%x%s%s:", reader.opcode, reader.fin ? "" : "+",
                                       reader.compressed && fs_ws_is_data(&reader) ? "z" : "");
                say(line, (size_t)written);
            }
            size_t part = reader.left < end - at ? (size_t)reader.left : end - at;
            fs_ws_take(&reader, payload, bytes + at, part);
            say(payload, part);
            at += part;
            if (!reader.in_frame)
                say(";", 1);
        }
    }
    return seen;
}

static void check_read(const char *name, const char *bytes, size_t len, int may_compress, const char *expected)
{
    check_case = name;
    for (size_t step = 1; step <= len; step++) {
        read_in_steps(bytes, len, step, may_compress);
        CHECK_BYTES(expected, strlen(expected), seen, seen_len);
    }
}

#define READS(name, bytes, may_compress, expected) check_read(name, bytes, sizeof(bytes) - 1, may_compress, expected)

/* The examples of RFC 6455, 5.7, and the like. */
static void test_frames(void)
{
    READS("a text of the RFC", "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", 0, "1:Hello;");
    READS("empty", "\x81\x80" KEY, 0, "1:;");
    READS("two", "\x81\x81" KEY "`" "\x82\x82" KEY "``", 0, "1:a;2:ab;");
    READS("fragments", "\x01\x81" KEY "`" "\x00\x80" KEY "\x80\x81" KEY "c", 0, "1+:a;0+:;0:b;");
    READS("control in between", "\x01\x81" KEY "`" "\x89\x81" KEY "q" "\x80\x81" KEY "c", 0, "1+:a;9:p;0:b;");
    READS("after a message", "\x01\x80" KEY "\x80\x80" KEY "\x82\x80" KEY, 0, "1+:;0:;2:;");
    READS("compressed", "\xc1\x81" KEY "`" "\x81\x81" KEY "`", 1, "1z:a;1:a;");
    READS("compressed fragments", "\x41\x81" KEY "`" "\x89\x80" KEY "\x80\x81" KEY "c", 1, "1+z:a;9:;0z:b;");
    READS("a length in 16 bits that needs none", "\x81\xfe\x00\x01" KEY "`", 0, "1:a;");
    READS("a length in 64 bits that needs none", "\x81\xff\x00\x00\x00\x00\x00\x00\x00\x01" KEY "`", 0, "1:a;");
}

static void test_refusals(void)
{
    READS("not masked", "\x81\x01", 0, "frame is not masked");
    READS("second bit", "\xc1\x80", 0, "reserved bits are set");
    READS("third bit", "\xa1\x80", 1, "reserved bits are set");
    READS("fourth bit", "\x91\x80", 1, "reserved bits are set");
    READS("opcode 3", "\x83\x80", 0, "reserved opcode");
    READS("opcode 7", "\x87\x80", 0, "reserved opcode");
    READS("opcode b", "\x8b\x80", 0, "reserved opcode");
    READS("opcode f", "\x8f\x80", 0, "reserved opcode");
    READS("orphan", "\x80\x80", 0, "continuation of no message");
    READS("orphan after a message", "\x81\x80" KEY "\x80\x80", 0, "1:;continuation of no message");
    READS("message in message", "\x01\x80" KEY "\x81\x80", 0, "1+:;new message within another");
    READS("fragmented ping", "\x09\x80", 0, "fragmented control frame");
    READS("long ping", "\x89\xfe", 0, "control frame too long");
    READS("longer ping", "\x89\xff", 0, "control frame too long");
    READS("compressed ping", "\xc9\x80", 1, "compressed bit on a frame that begins no message");
    READS("compressed continuation", "\x01\x80" KEY "\xc0\x80", 1,
          "1+:;compressed bit on a frame that begins no message");
    READS("a length beyond 63 bits", "\x82\xff\x80\x00\x00\x00\x00\x00\x00\x00" KEY, 0,
          "frame length has its top bit set");
}

/* A payload that nobody wants is counted all the same. */
static void test_discarded(void)
{
    check_case = "discarded";
    fs_ws_reader reader;
    size_t used;
    fs_ws_reader_init(&reader, 0);
    CHECK_INT(FS_WS_HEAD, fs_ws_read_head(&reader, "\x82\x83" KEY "abc", 9, &used));
    CHECK_INT(6, used);
    fs_ws_take(&reader, NULL, "abc", 2);
    CHECK_INT(1, reader.in_frame);
    fs_ws_take(&reader, NULL, "c", 1);
    CHECK_INT(0, reader.in_frame);
    CHECK_INT(0, reader.message);
}

static void test_ascii(void)
{
    check_case = "ascii";
    fs_ws_reader reader;
    size_t used;
    char out[2];
    fs_ws_reader_init(&reader, 0);
    CHECK_INT(FS_WS_HEAD, fs_ws_read_head(&reader, "\x81\x82" KEY, 6, &used));
    CHECK_INT(1, fs_ws_take(&reader, out, "a", 1));
    CHECK_INT(0, fs_ws_take(&reader, out, "\xff", 1));
}

static void test_put_head(void)
{
    static const struct {
        uint64_t len;
        const char *head;
        size_t head_len;
    } rows[] = {
        {0, "\x81\x00", 2},
        {125, "\x81\x7d", 2},
        {126, "\x81\x7e\x00\x7e", 4},
        {65535, "\x81\x7e\xff\xff", 4},
        {65536, "\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00", 10},
        {0x0123456789abcdef, "\x81\x7f\x01\x23\x45\x67\x89\xab\xcd\xef", 10},
    };
    char out[10];
    check_case = "put_head";
    for (size_t i = 0; i < COUNT(rows); i++) {
        size_t len = fs_ws_put_head(out, FS_WS_TEXT, 1, 0, rows[i].len);
        CHECK_BYTES(rows[i].head, rows[i].head_len, out, len);
    }
    CHECK_BYTES("\xc2\x01", 2, out, fs_ws_put_head(out, FS_WS_BINARY, 1, 1, 1));
    CHECK_BYTES("\x02\x01", 2, out, fs_ws_put_head(out, FS_WS_BINARY, 0, 0, 1));
    CHECK_BYTES("\x88\x00", 2, out, fs_ws_put_head(out, FS_WS_CLOSE, 1, 0, 0));
}

static void test_close_codes(void)
{
    check_case = "close codes";
    for (int code = 0; code < 70000; code++) {
        int reserved = code == 1004 || code == 1005 || code == 1006;
        int valid = (code >= 1000 && code <= 1014 && !reserved) || (code >= 3000 && code < 5000);
        if (valid != fs_ws_close_code_is_valid(code))
            CHECK_INT(valid ? code : -code, 0);
    }
    CHECK(!fs_ws_close_code_is_valid(-1));
}

int main(void)
{
    test_frames();
    test_refusals();
    test_discarded();
    test_ascii();
    test_put_head();
    test_close_codes();
    return check_end("test_wsframe");
}
