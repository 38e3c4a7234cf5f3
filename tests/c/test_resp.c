/* How is a response head spelled, and is it safe to send? */
#include "failing.h"

#include "../../csrc/resp.c"

#undef malloc
#undef realloc

#include <inttypes.h>
#include <time.h>

#include "check.h"

static fs_field_result put_text(fs_buf *buf, const char *name, const char *value)
{
    return fs_put_field(buf, name, strlen(name), value, strlen(value));
}

static int is_token(int byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
           (byte != 0 && strchr("!#$%&'*+-.^_`|~", byte) != NULL);
}

/* Row 28 of the wire cases: no byte of a name or a value can end a line or begin one. */
static void test_every_byte(void)
{
    for (int byte = 0; byte < 256; byte++) {
        char label[24], expected[16];
        char text[3] = {'x', (char)byte, 'y'};
        fs_buf buf = {0};
        check_case = label;
        snprintf(label, sizeof label, "byte 0x%02x", byte);

        CHECK_INT(is_token(byte) ? FS_FIELD_OK : FS_FIELD_BAD_NAME, fs_put_field(&buf, text, 3, "v", 1));
        size_t len = (size_t)snprintf(expected, sizeof expected, "x%cy: v\r\n", byte);
        CHECK_BYTES(expected, is_token(byte) ? len : 0, buf.data, buf.len);
        buf.len = 0;
        CHECK_INT(is_token(byte) ? FS_FIELD_OK : FS_FIELD_BAD_NAME, fs_put_field(&buf, text + 1, 1, "v", 1));
        buf.len = 0;

        int valid = byte == '\t' || (byte >= 0x20 && byte != 0x7f);
        CHECK_INT(valid ? FS_FIELD_OK : FS_FIELD_BAD_VALUE, fs_put_field(&buf, "n", 1, text, 3));
        memcpy(expected, "n: x?y\r\n", 8);
        expected[4] = (char)byte;
        CHECK_BYTES(expected, valid ? 8 : 0, buf.data, buf.len);
        buf.len = 0;
        /* First and last, where white space is cut off. */
        CHECK_INT(valid ? FS_FIELD_OK : FS_FIELD_BAD_VALUE, fs_put_field(&buf, "n", 1, text + 1, 1));
        CHECK_INT(valid ? (byte == ' ' || byte == '\t' ? 5 : 6) : 0, buf.len);
        fs_buf_free(&buf);
    }
}

static const struct {
    const char *name;
    const char *value;
    fs_field_result result;
    const char *line;
} fields[] = {
    {"content-type", "text/plain; charset=utf-8", FS_FIELD_OK, "content-type: text/plain; charset=utf-8\r\n"},
    {"X", "", FS_FIELD_OK, "X: \r\n"},
    {"X", " \t ", FS_FIELD_OK, "X: \r\n"},
    {"X", " \ta b\t ", FS_FIELD_OK, "X: a b\r\n"},
    {"X", "\xc3\xa9", FS_FIELD_OK, "X: \xc3\xa9\r\n"},
    {"", "x", FS_FIELD_BAD_NAME, ""},
    {"a b", "x", FS_FIELD_BAD_NAME, ""},
    {"a:", "x", FS_FIELD_BAD_NAME, ""},
    {" a", "x", FS_FIELD_BAD_NAME, ""},
    {"a ", "x", FS_FIELD_BAD_NAME, ""},
    {"\xc3\xa9", "x", FS_FIELD_BAD_NAME, ""},
    {"a\r\nb", "x", FS_FIELD_BAD_NAME, ""},
    {"X", "a\r\nSet-Cookie: b", FS_FIELD_BAD_VALUE, ""},
    {"X", "a\nb", FS_FIELD_BAD_VALUE, ""},
    {"X", "a\r b", FS_FIELD_BAD_VALUE, ""},
    {"X", "a\r\n", FS_FIELD_BAD_VALUE, ""},
    {"X", "\r\n\r\n<html>", FS_FIELD_BAD_VALUE, ""},
    {"a\nb", "c\nd", FS_FIELD_BAD_NAME, ""},
};

static void test_fields(void)
{
    for (size_t i = 0; i < COUNT(fields); i++) {
        fs_buf buf = {0};
        check_case = fields[i].value;
        CHECK_INT(FS_FIELD_OK, put_text(&buf, "before", "1"));
        size_t before = buf.len;
        CHECK_INT(fields[i].result, put_text(&buf, fields[i].name, fields[i].value));
        CHECK_BYTES(fields[i].line, strlen(fields[i].line), buf.data + before, buf.len - before);
        CHECK_INT(FS_FIELD_OK, put_text(&buf, "after", "2"));
        CHECK(memcmp(buf.data + buf.len - 10, "after: 2\r\n", 10) == 0);
        fs_buf_free(&buf);
    }
    check_case = "a NUL behind good bytes";
    fs_buf buf = {0};
    CHECK_INT(FS_FIELD_BAD_VALUE, fs_put_field(&buf, "n", 1, "a\0", 2));
    CHECK_INT(FS_FIELD_BAD_NAME, fs_put_field(&buf, "n\0", 2, "a", 1));
    CHECK_INT(0, buf.len);
    fs_buf_free(&buf);
}

static void test_status_lines(void)
{
    static const struct {
        int status;
        const char *line;
    } rows[] = {
        {100, "HTTP/1.1 100 Continue\r\n"},      {103, "HTTP/1.1 103 Early Hints\r\n"},
        {200, "HTTP/1.1 200 OK\r\n"},            {204, "HTTP/1.1 204 No Content\r\n"},
        {299, "HTTP/1.1 299 \r\n"},              {404, "HTTP/1.1 404 Not Found\r\n"},
        {413, "HTTP/1.1 413 Content Too Large\r\n"}, {431, "HTTP/1.1 431 Request Header Fields Too Large\r\n"},
        {500, "HTTP/1.1 500 Internal Server Error\r\n"}, {999, "HTTP/1.1 999 \r\n"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        fs_buf buf = {0};
        check_case = rows[i].line;
        CHECK_INT(0, fs_put_status_line(&buf, rows[i].status));
        CHECK_BYTES(rows[i].line, strlen(rows[i].line), buf.data, buf.len);
        fs_buf_free(&buf);
    }
    check_case = "every status";
    fs_buf buf = {0};
    for (int status = 100; status <= 999; status++) {
        char expected[80];
        const char *reason = fs_reason_phrase(status);
        buf.len = 0;
        CHECK_INT(0, fs_put_status_line(&buf, status));
        size_t len = (size_t)snprintf(expected, sizeof expected, "HTTP/1.1 %d %s\r\n", status, reason);
        CHECK_BYTES(expected, len, buf.data, buf.len);
        for (const char *c = reason; *c != '\0'; c++)
            CHECK(*c >= 0x20 && *c < 0x7f);
    }
    fs_buf_free(&buf);
}

static void test_own_reasons(void)
{
    fs_buf buf = {0};
    check_case = "a phrase of its own";
    CHECK_INT(FS_FIELD_OK, fs_put_reasoned_status_line(&buf, 200, "Fine\t\xe9!", 7));
    CHECK_BYTES("HTTP/1.1 200 Fine\t\xe9!\r\n", 22, buf.data, buf.len);
    for (int byte = 0; byte < 256; byte++) {
        char text[3] = {'x', (char)byte, 'y'};
        int valid = byte == '\t' || (byte >= 0x20 && byte != 0x7f);
        buf.len = 0;
        CHECK_INT(valid ? FS_FIELD_OK : FS_FIELD_BAD_VALUE, fs_put_reasoned_status_line(&buf, 200, text, 3));
        CHECK_INT(valid ? 18 : 0, buf.len);
    }
    fs_buf_free(&buf);
    check_case = "a phrase, out of memory";
    failing_after = 0;
    CHECK_INT(FS_FIELD_NO_MEMORY, fs_put_reasoned_status_line(&buf, 200, "x", 1));
    failing_after = -1;
    fs_buf_free(&buf);
}

/* Numbers around every power of two and of ten, and some of any size. */
static uint64_t number_at(int index)
{
    static const int around[] = {-2, -1, 0, 1, 2};
    if (index < 64 * 5)
        return ((uint64_t)1 << (index / 5)) + (uint64_t)around[index % 5];
    uint64_t power = 1;
    for (int i = 0; i < (index - 320) / 5 && i < 19; i++)
        power *= 10;
    return power + (uint64_t)around[index % 5];
}

static void test_numbers(void)
{
    enum { NUMBERS = 64 * 5 + 20 * 5 };
    check_case = "numbers";
    for (int i = 0; i < NUMBERS; i++) {
        uint64_t number = number_at(i), back = 0;
        char expected[32], got[20], chunk[18], digits[20];
        size_t len = (size_t)snprintf(expected, sizeof expected, "%" PRIu64, number);
        size_t got_len = fs_put_decimal(got, number);
        CHECK_BYTES(expected, len, got, got_len);
        memcpy(digits, got, got_len);
        int readable = got_len <= 18;
        CHECK_INT(readable ? 0 : -1, fs_read_decimal(digits, got_len, &back));
        CHECK(back == (readable ? number : 0));
        len = (size_t)snprintf(expected, sizeof expected, "%" PRIx64 "\r\n", number);
        CHECK_BYTES(expected, len, chunk, fs_put_chunk_size(chunk, number));
    }
}

static void test_read_decimal(void)
{
    static const char *const bad[] = {
        "", "+1", "-1", " 1", "1 ", "0x1", "1.0", "1e3", "1_0", "a", "1a", "1000000000000000000", "/", ":",
        "99999999999999999999999",
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        uint64_t number = 77;
        check_case = bad[i];
        CHECK_INT(-1, fs_read_decimal(bad[i], strlen(bad[i]), &number));
        CHECK_INT(77, number);
    }
    uint64_t number;
    check_case = "good decimals";
    CHECK_INT(0, fs_read_decimal("0", 1, &number));
    CHECK_INT(0, number);
    CHECK_INT(0, fs_read_decimal("000000000000000042", 18, &number));
    CHECK_INT(42, number);
    CHECK_INT(-1, fs_read_decimal("4\0", 2, &number));
}

static void check_date(int64_t epoch_s)
{
    char expected[64], got[30];
    time_t time = (time_t)epoch_s;
    struct tm tm;
    gmtime_r(&time, &tm);
    CHECK_INT(epoch_s, timegm(&tm));
    size_t len = strftime(expected, sizeof expected, "%a, %d %b %Y %H:%M:%S GMT", &tm);
    got[29] = '!';
    fs_put_date(got, epoch_s);
    CHECK_BYTES(expected, len, got, 29);
    CHECK_INT('!', got[29]);
}

/* Every day from 1970 to 2500 and some of the rest to 9999, at its first and last second; each second of a day. */
static void test_dates(void)
{
    static const int64_t day_s = 86400, last_s = 253402300799; /* 9999-12-31 23:59:59 */
    check_case = "dates";
    for (int64_t day = 0; day < 194000; day++) {
        check_date(day * day_s);
        check_date(day * day_s + day_s - 1);
    }
    for (int64_t time_s = 194000 * day_s; time_s < last_s; time_s += 13 * day_s + 12345)
        check_date(time_s);
    check_date(last_s);
    for (int64_t second = 0; second < day_s; second += 7)
        check_date(1700000000 / day_s * day_s + second);
    char got[29];
    fs_put_date(got, 784111777); /* RFC 9110, 5.6.7 */
    CHECK_BYTES("Sun, 06 Nov 1994 08:49:37 GMT", 29, got, 29);
}

static void test_buffer(void)
{
    fs_buf buf = {0};
    check_case = "buffer";
    CHECK_INT(0, fs_buf_reserve(&buf, 0));
    CHECK_INT(0, fs_buf_reserve(&buf, 100));
    CHECK(buf.cap >= 100 && buf.len == 0);
    for (size_t len = 0; len < 10000; len++) {
        CHECK_INT(0, fs_buf_reserve(&buf, 1));
        CHECK(buf.len < buf.cap);
        buf.data[buf.len++] = (char)len;
    }
    size_t cap = buf.cap;
    CHECK_INT(0, fs_buf_reserve(&buf, cap - buf.len));
    CHECK_INT(cap, buf.cap);
    for (size_t len = 0; len < 10000; len++)
        CHECK(buf.data[len] == (char)len);
    CHECK_INT(-1, fs_buf_reserve(&buf, SIZE_MAX));
    CHECK_INT(-1, fs_buf_reserve(&buf, SIZE_MAX - buf.len));
    CHECK(buf.cap == cap && buf.len == 10000);
    fs_buf_free(&buf);
    CHECK(buf.data == NULL && buf.len == 0 && buf.cap == 0);
    fs_buf_free(&buf);
}

/* Without memory a call fails, and what was there stays. */
static void test_out_of_memory(void)
{
    fs_buf buf = {0};
    static char long_value[4096];
    memset(long_value, 'v', sizeof long_value);
    check_case = "out of memory";
    failing_after = 0;
    CHECK_INT(-1, fs_put_status_line(&buf, 200));
    failing_after = 0;
    CHECK_INT(-1, fs_put_status_line(&buf, 404));
    failing_after = 0;
    CHECK_INT(FS_FIELD_NO_MEMORY, put_text(&buf, "n", "v"));
    CHECK(buf.data == NULL && buf.len == 0 && buf.cap == 0);
    failing_after = -1;
    CHECK_INT(FS_FIELD_OK, put_text(&buf, "n", "v"));
    failing_after = 0;
    CHECK_INT(FS_FIELD_NO_MEMORY, fs_put_field(&buf, "n", 1, long_value, sizeof long_value));
    CHECK_BYTES("n: v\r\n", 6, buf.data, buf.len);
    failing_after = -1;
    fs_buf_free(&buf);
}

int main(void)
{
    test_every_byte();
    test_fields();
    test_status_lines();
    test_own_reasons();
    test_numbers();
    test_read_decimal();
    test_dates();
    test_buffer();
    test_out_of_memory();
    return check_end("test_resp");
}
