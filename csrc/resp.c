#include "resp.h"

#include <stdlib.h>
#include <string.h>

int fs_buf_reserve(fs_buf *buf, size_t more)
{
    if (buf->cap - buf->len >= more)
        return 0;
    size_t cap = buf->cap ? buf->cap : 512;
    while (cap - buf->len < more) {
        if (cap > SIZE_MAX / 2)
            return -1;
        cap *= 2;
    }
    char *grown = realloc(buf->data, cap);
    if (grown == NULL)
        return -1;
    buf->data = grown;
    buf->cap = cap;
    return 0;
}

void fs_buf_free(fs_buf *buf)
{
    free(buf->data);
    memset(buf, 0, sizeof *buf);
}

static void put(fs_buf *buf, const char *bytes, size_t len)
{
    memcpy(buf->data + buf->len, bytes, len);
    buf->len += len;
}

const char *fs_reason_phrase(int status)
{
    switch (status) {
    case 100: return "Continue";
    case 101: return "Switching Protocols";
    case 102: return "Processing";
    case 103: return "Early Hints";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 203: return "Non-Authoritative Information";
    case 204: return "No Content";
    case 205: return "Reset Content";
    case 206: return "Partial Content";
    case 207: return "Multi-Status";
    case 208: return "Already Reported";
    case 226: return "IM Used";
    case 300: return "Multiple Choices";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 305: return "Use Proxy";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 402: return "Payment Required";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 407: return "Proxy Authentication Required";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 411: return "Length Required";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 416: return "Range Not Satisfiable";
    case 417: return "Expectation Failed";
    case 418: return "I'm a Teapot";
    case 421: return "Misdirected Request";
    case 422: return "Unprocessable Content";
    case 423: return "Locked";
    case 424: return "Failed Dependency";
    case 425: return "Too Early";
    case 426: return "Upgrade Required";
    case 428: return "Precondition Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 451: return "Unavailable For Legal Reasons";
    case 499: return "Client Closed Request"; /* never sent: nginx's name in a log for an answer nobody waited for */
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    case 506: return "Variant Also Negotiates";
    case 507: return "Insufficient Storage";
    case 508: return "Loop Detected";
    case 510: return "Not Extended";
    case 511: return "Network Authentication Required";
    default: return "";
    }
}

static int put_status_line(fs_buf *buf, int status, const char *reason, size_t reason_len)
{
    if (fs_buf_reserve(buf, 9 + 4 + reason_len + 2))
        return -1;
    put(buf, "HTTP/1.1 ", 9);
    char digits[4] = {(char)('0' + status / 100 % 10), (char)('0' + status / 10 % 10), (char)('0' + status % 10), ' '};
    put(buf, digits, 4);
    put(buf, reason, reason_len);
    put(buf, "\r\n", 2);
    return 0;
}

int fs_put_status_line(fs_buf *buf, int status)
{
    static const char ok[] = "HTTP/1.1 200 OK\r\n";
    if (status == 200) {
        if (fs_buf_reserve(buf, sizeof ok))
            return -1;
        put(buf, ok, sizeof ok - 1);
        return 0;
    }
    const char *reason = fs_reason_phrase(status);
    return put_status_line(buf, status, reason, strlen(reason));
}

/* 1: a token's character (RFC 9110, 5.6.2); 2: a field value's (5.5, with obs-text) */
enum { TOKEN = 1, VALUE = 2, BOTH = 3 };

#define R4(x) x, x, x, x
#define R8(x) R4(x), R4(x)
#define R16(x) R8(x), R8(x)
#define R32(x) R16(x), R16(x)

static const uint8_t kinds[256] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, VALUE, 0, 0, 0, 0, 0, 0, R16(0),
    /*   ! " # $ % & ' */ VALUE, BOTH, VALUE, BOTH, BOTH, BOTH, BOTH, BOTH,
    /* ( ) * + , - . / */ VALUE, VALUE, BOTH, BOTH, VALUE, BOTH, BOTH, VALUE,
    /* 0-9 */ R8(BOTH), BOTH, BOTH,
    /* : ; < = > ? */ VALUE, VALUE, VALUE, VALUE, VALUE, VALUE,
    /* @ A-Z */ VALUE, R16(BOTH), R8(BOTH), BOTH, BOTH,
    /* [ \ ] ^ _ */ VALUE, VALUE, VALUE, BOTH, BOTH,
    /* ` a-z */ BOTH, R16(BOTH), R8(BOTH), BOTH, BOTH,
    /* { | } ~ DEL */ VALUE, BOTH, VALUE, BOTH, 0,
    R32(VALUE), R32(VALUE), R32(VALUE), R32(VALUE),
};

/* Copies while checking: 0 when a byte is not of the kind. */
static int copy_kind(char *out, const char *in, size_t len, uint8_t kind)
{
    uint8_t all = kind;
    for (size_t i = 0; i < len; i++) {
        all &= kinds[(uint8_t)in[i]];
        out[i] = in[i];
    }
    return all == kind;
}

fs_field_result fs_put_field(fs_buf *buf, const char *name, size_t name_len, const char *value, size_t value_len)
{
    while (value_len > 0 && (value[0] == ' ' || value[0] == '\t')) {
        value++;
        value_len--;
    }
    while (value_len > 0 && (value[value_len - 1] == ' ' || value[value_len - 1] == '\t'))
        value_len--;
    if (fs_buf_reserve(buf, name_len + value_len + 4))
        return FS_FIELD_NO_MEMORY;
    char *out = buf->data + buf->len;
    if (name_len == 0 || !copy_kind(out, name, name_len, TOKEN))
        return FS_FIELD_BAD_NAME;
    out += name_len;
    *out++ = ':';
    *out++ = ' ';
    if (!copy_kind(out, value, value_len, VALUE))
        return FS_FIELD_BAD_VALUE;
    out += value_len;
    *out++ = '\r';
    *out++ = '\n';
    buf->len = (size_t)(out - buf->data);
    return FS_FIELD_OK;
}

fs_field_result fs_put_reasoned_status_line(fs_buf *buf, int status, const char *reason, size_t reason_len)
{
    for (size_t i = 0; i < reason_len; i++)
        if (!(kinds[(uint8_t)reason[i]] & VALUE))
            return FS_FIELD_BAD_VALUE;
    return put_status_line(buf, status, reason, reason_len) == 0 ? FS_FIELD_OK : FS_FIELD_NO_MEMORY;
}

size_t fs_put_decimal(char *out, uint64_t number)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    memcpy(out, digits + at, sizeof digits - at);
    return sizeof digits - at;
}

int fs_read_decimal(const char *text, size_t len, uint64_t *number)
{
    if (len == 0 || len > 18)
        return -1;
    uint64_t value = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        value = value * 10 + (uint64_t)(text[i] - '0');
    }
    *number = value;
    return 0;
}

size_t fs_put_chunk_size(char *out, uint64_t size)
{
    static const char hex[] = "0123456789abcdef";
    char digits[16];
    size_t at = sizeof digits;
    do {
        digits[--at] = hex[size & 15];
        size >>= 4;
    } while (size != 0);
    size_t len = sizeof digits - at;
    memcpy(out, digits + at, len);
    out[len] = '\r';
    out[len + 1] = '\n';
    return len + 2;
}

static void put_two(char *out, int number)
{
    out[0] = (char)('0' + number / 10);
    out[1] = (char)('0' + number % 10);
}

void fs_put_date(char *out, int64_t epoch_s)
{
    static const char days[] = "ThuFriSatSunMonTueWed";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    int64_t day = epoch_s / 86400;
    int second = (int)(epoch_s % 86400);
    /* Civil date from days since 1970-01-01, counted in 400-year cycles that begin on a first of March. */
    int64_t shifted = day + 719468;
    int64_t era = shifted / 146097;
    int of_era = (int)(shifted - era * 146097);
    int year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int march_month = (5 * of_year + 2) / 153;
    int month = march_month < 10 ? march_month + 2 : march_month - 10;
    int year = (int)(era * 400) + year_of_era + (month < 2);

    memcpy(out, days + day % 7 * 3, 3);
    memcpy(out + 3, ", ", 2);
    put_two(out + 5, of_year - (153 * march_month + 2) / 5 + 1);
    out[7] = ' ';
    memcpy(out + 8, months + month * 3, 3);
    out[11] = ' ';
    put_two(out + 12, year / 100);
    put_two(out + 14, year % 100);
    out[16] = ' ';
    put_two(out + 17, second / 3600);
    out[19] = ':';
    put_two(out + 20, second / 60 % 60);
    out[22] = ':';
    put_two(out + 23, second % 60);
    memcpy(out + 25, " GMT", 4);
}
