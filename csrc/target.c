#include "target.h"

#include <stdint.h>

int fs_path_is_plain(const char *path, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (path[i] == '%' || (uint8_t)path[i] >= 0x80)
            return 0;
    return 1;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

size_t fs_percent_decode(char *out, const char *path, size_t len)
{
    size_t written = 0;
    for (size_t i = 0; i < len; i++) {
        if (path[i] == '%' && len - i > 2) {
            int high = hex_value(path[i + 1]);
            int low = hex_value(path[i + 2]);
            if (high >= 0 && low >= 0) {
                out[written++] = (char)(high * 16 + low);
                i += 2;
                continue;
            }
        }
        out[written++] = path[i];
    }
    return written;
}
