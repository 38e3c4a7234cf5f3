#include "logline.h"

#include <stdint.h>

size_t fs_log_escape(char *out, const char *text, size_t len)
{
    static const char hex[] = "0123456789abcdef";
    char *at = out;
    for (size_t i = 0; i < len; i++) {
        uint8_t c = (uint8_t)text[i];
        if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\') {
            *at++ = (char)c;
        } else {
            *at++ = '\\';
            *at++ = 'x';
            *at++ = hex[c >> 4];
            *at++ = hex[c & 15];
        }
    }
    return (size_t)(at - out);
}
