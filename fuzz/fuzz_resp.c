/* Can an application's field get anything onto the wire but that one field?
 *
 * Invariants, on any names and values and any status from 100 to 999:
 * - a field is accepted exactly when its name is a token and its value holds no control character but the tab; what is
 *   appended is "name: value CRLF" with the white space around the value cut off, or nothing at all;
 * - a head of the accepted fields, read by llhttp as a response, has that status and exactly these fields in order.
 *   (The names get an "x" in front there, so that none of them means something to llhttp.)
 *
 * Input: two bytes for the status, then for each field a byte with the length of its name, a byte with the length of
 * its value, the name, the value.
 */
#include <string.h>

#include "fuzz.h"
#include "llhttp.h"
#include "resp.h"

/* The fields as they should be, and as llhttp read them; a NUL behind each name and value. */
typedef struct {
    llhttp_t http; /* first: a callback's argument is the reading */
    fs_buf expected;
    fs_buf got;
} reading;

static void put_bytes(fs_buf *buf, const char *bytes, size_t len)
{
    REQUIRE(fs_buf_reserve(buf, len) == 0);
    if (len > 0)
        memcpy(buf->data + buf->len, bytes, len);
    buf->len += len;
}

static int on_bytes(llhttp_t *http, const char *at, size_t len)
{
    put_bytes(&((reading *)http)->got, at, len);
    return 0;
}

static int on_complete(llhttp_t *http)
{
    put_bytes(&((reading *)http)->got, "", 1);
    return 0;
}

static int on_headers_complete(llhttp_t *http)
{
    (void)http;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_header_field = on_bytes,
    .on_header_field_complete = on_complete,
    .on_header_value = on_bytes,
    .on_header_value_complete = on_complete,
    .on_headers_complete = on_headers_complete,
};

static int name_is_good(const char *name, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char c = name[i];
        int alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!alnum && (c == '\0' || strchr("!#$%&'*+-.^_`|~", c) == NULL))
            return 0;
    }
    return len > 0;
}

static int value_is_good(const char *value, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (((uint8_t)value[i] < 0x20 && value[i] != '\t') || value[i] == 0x7f)
            return 0;
    return 1;
}

static int is_white(char c)
{
    return c == ' ' || c == '\t';
}

static void put_one(fs_buf *head, reading *read, const char *name, size_t name_len, const char *value, size_t value_len)
{
    fs_buf line = {0}, expected = {0};
    fs_field_result result = fs_put_field(&line, name, name_len, value, value_len);
    if (!name_is_good(name, name_len))
        REQUIRE(result == FS_FIELD_BAD_NAME);
    else
        REQUIRE(result == (value_is_good(value, value_len) ? FS_FIELD_OK : FS_FIELD_BAD_VALUE));
    if (result == FS_FIELD_OK) {
        while (value_len > 0 && is_white(value[0]))
            value++, value_len--;
        while (value_len > 0 && is_white(value[value_len - 1]))
            value_len--;
        put_bytes(&expected, name, name_len);
        put_bytes(&expected, ": ", 2);
        put_bytes(&expected, value, value_len);
        put_bytes(&expected, "\r\n", 2);
        put_bytes(head, "x", 1);
        put_bytes(head, line.data, line.len);
        put_bytes(&read->expected, "x", 1);
        put_bytes(&read->expected, name, name_len);
        put_bytes(&read->expected, "", 1);
        put_bytes(&read->expected, value, value_len);
        put_bytes(&read->expected, "", 1);
    }
    REQUIRE(line.len == expected.len && (line.len == 0 || memcmp(line.data, expected.data, line.len) == 0));
    fs_buf_free(&line);
    fs_buf_free(&expected);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    int status = 100 + (data[0] * 256 + data[1]) % 900;
    fs_buf head = {0};
    reading read = {0};
    REQUIRE(fs_put_status_line(&head, status) == 0);
    for (size_t at = 2; at + 2 <= size;) {
        size_t name_len = data[at], value_len = data[at + 1];
        at += 2;
        name_len = name_len < size - at ? name_len : size - at;
        const char *name = (const char *)data + at;
        at += name_len;
        value_len = value_len < size - at ? value_len : size - at;
        put_one(&head, &read, name, name_len, (const char *)data + at, value_len);
        at += value_len;
    }
    put_bytes(&head, "\r\n", 2);

    llhttp_init(&read.http, HTTP_RESPONSE, &settings);
    REQUIRE(llhttp_execute(&read.http, head.data, head.len) == HPE_PAUSED);
    REQUIRE(llhttp_get_error_pos(&read.http) == head.data + head.len);
    REQUIRE(read.http.status_code == status);
    REQUIRE(read.got.len == read.expected.len);
    REQUIRE(read.got.len == 0 || memcmp(read.got.data, read.expected.data, read.got.len) == 0);
    fs_buf_free(&head);
    fs_buf_free(&read.got);
    fs_buf_free(&read.expected);
    return 0;
}
