#include "answer.h"

#include "names.h"

/* The lengths of the names that are read: date, server, connection, content-length, transfer-encoding. */
static const uint32_t lengths_read = 1u << 4 | 1u << 6 | 1u << 10 | 1u << 14 | 1u << 17;

static int is_white(char c)
{
    return c == ' ' || c == '\t'; /* no other is in a value that is good */
}

static void cut_white(const char **text, size_t *len)
{
    while (*len > 0 && is_white((*text)[0])) {
        (*text)++;
        (*len)--;
    }
    while (*len > 0 && is_white((*text)[*len - 1]))
        (*len)--;
}

/* Whether the text is this word, but for case and the white space around it. */
static int is_word(const char *text, size_t len, const char *word, size_t word_len)
{
    cut_white(&text, &len);
    return len == word_len && fs_equals_lower(text, word, len);
}

/* Whether a list names this word (RFC 9110, 5.6.1). */
static int names_word(const char *list, size_t len, const char *word, size_t word_len)
{
    size_t start = 0;
    for (size_t at = 0; at <= len; at++) {
        if (at < len && list[at] != ',')
            continue;
        if (is_word(list + start, at - start, word, word_len))
            return 1;
        start = at + 1;
    }
    return 0;
}

/* Sets *is_written to whether the field has a line. */
static fs_answer_result read_length(fs_said *said, int status, const char *value, size_t len, int *is_written)
{
    uint64_t length;
    *is_written = 0;
    if (status < 200)
        return FS_ANSWER_OK;
    cut_white(&value, &len);
    if (fs_read_decimal(value, len, &length) != 0)
        return FS_ANSWER_BAD_LENGTH;
    if (said->has_length && said->length != length)
        return FS_ANSWER_TWO_LENGTHS;
    *is_written = !said->has_length && status != 204;
    said->has_length = 1;
    said->length = length;
    return FS_ANSWER_OK;
}

fs_answer_result fs_put_answer_field(fs_buf *buf, fs_said *said, int status, const char *name, size_t name_len,
                                     const char *value, size_t value_len)
{
    size_t before = buf->len;
    int is_written = 1;
    fs_answer_result result = FS_ANSWER_OK;
    switch (fs_put_field(buf, name, name_len, value, value_len)) {
    case FS_FIELD_OK: break;
    case FS_FIELD_BAD_NAME: return FS_ANSWER_BAD_NAME;
    case FS_FIELD_BAD_VALUE: return FS_ANSWER_BAD_VALUE;
    case FS_FIELD_NO_MEMORY: return FS_ANSWER_NO_MEMORY;
    }
    if (name_len > 17 || !(lengths_read >> name_len & 1))
        return FS_ANSWER_OK;
    switch (fs_name_find(name, name_len)) {
    case FS_NAME_CONTENT_LENGTH:
        result = read_length(said, status, value, value_len, &is_written);
        break;
    case FS_NAME_CONNECTION:
        is_written = 0;
        said->closes |= (uint8_t)names_word(value, value_len, "close", 5);
        break;
    case FS_NAME_TRANSFER_ENCODING:
        is_written = 0;
        if (!is_word(value, value_len, "chunked", 7))
            result = FS_ANSWER_BAD_CODING;
        break;
    case FS_NAME_DATE: said->has_date = 1; break;
    case FS_NAME_SERVER: said->has_server = 1; break;
    }
    if (!is_written)
        buf->len = before;
    return result;
}
