#include "wsframe.h"

#include <string.h>

#include "mask.h"

enum {
    FIN = 0x80,
    RSV1 = 0x40,
    RSV23 = 0x30,
    OPCODE = 0x0f,
    MASKED = 0x80,
    LENGTH = 0x7f,
    LENGTH_16 = 126,
    LENGTH_64 = 127,
};

void fs_ws_reader_init(fs_ws_reader *reader, int may_compress)
{
    memset(reader, 0, sizeof *reader);
    reader->may_compress = may_compress != 0;
}

static fs_ws_event refuse(fs_ws_reader *reader, const char *error)
{
    reader->error = error;
    return FS_WS_ERROR;
}

static int opcode_is_known(uint8_t opcode)
{
    return opcode <= FS_WS_BINARY || (opcode >= FS_WS_CLOSE && opcode <= FS_WS_PONG);
}

/* What the first two bytes tell, which is enough to refuse most of what is wrong. */
static const char *fault_of(const fs_ws_reader *reader, uint8_t first, uint8_t second)
{
    uint8_t opcode = first & OPCODE;
    if (first & RSV23)
        return "reserved bits are set";
    if (!opcode_is_known(opcode))
        return "reserved opcode";
    if (first & RSV1) {
        if (!reader->may_compress)
            return "reserved bits are set";
        if (opcode != FS_WS_TEXT && opcode != FS_WS_BINARY)
            return "compressed bit on a frame that begins no message";
    }
    if (!(second & MASKED))
        return "frame is not masked";
    if (opcode >= FS_WS_CLOSE) {
        if (!(first & FIN))
            return "fragmented control frame";
        if ((second & LENGTH) > FS_WS_CONTROL_BYTES_MAX)
            return "control frame too long";
    } else if (opcode == FS_WS_CONTINUATION) {
        if (reader->message == 0)
            return "continuation of no message";
    } else if (reader->message != 0) {
        return "new message within another";
    }
    return NULL;
}

static size_t head_length(uint8_t second)
{
    uint8_t length = second & LENGTH;
    return (size_t)2 + (length == LENGTH_16 ? 2 : length == LENGTH_64 ? 8 : 0) + 4;
}

static uint64_t number(const uint8_t *bytes, size_t count)
{
    uint64_t value = 0;
    for (size_t i = 0; i < count; i++)
        value = value << 8 | bytes[i];
    return value;
}

/* The head is complete and without fault. */
static fs_ws_event begin_frame(fs_ws_reader *reader, const uint8_t *head, size_t len)
{
    uint8_t length = head[1] & LENGTH;
    uint64_t left = length;
    if (length == LENGTH_16)
        left = number(head + 2, 2);
    else if (length == LENGTH_64)
        left = number(head + 2, 8);
    if (left >> 63)
        return refuse(reader, "frame length has its top bit set");
    reader->left = left;
    reader->opcode = head[0] & OPCODE;
    reader->fin = (head[0] & FIN) != 0;
    if (reader->opcode == FS_WS_TEXT || reader->opcode == FS_WS_BINARY) {
        reader->message = reader->opcode;
        reader->compressed = (head[0] & RSV1) != 0;
    }
    memcpy(reader->key, head + len - 4, 4);
    reader->in_frame = 1;
    reader->head_len = 0;
    return FS_WS_HEAD;
}

fs_ws_event fs_ws_read_head(fs_ws_reader *reader, const char *data, size_t len, size_t *used)
{
    const uint8_t *head = (const uint8_t *)data;
    size_t have = len;
    size_t kept = reader->head_len;
    *used = len;
    if (kept > 0) {
        size_t room = FS_WS_HEAD_BYTES_MAX - kept;
        memcpy(reader->head + kept, data, len < room ? len : room);
        head = reader->head;
        have = kept + (len < room ? len : room);
    }
    if (have >= 2) {
        const char *fault = fault_of(reader, head[0], head[1]);
        if (fault != NULL)
            return refuse(reader, fault);
        size_t wanted = head_length(head[1]);
        if (have >= wanted) {
            *used = wanted - kept;
            return begin_frame(reader, head, wanted);
        }
    }
    /* Fewer than a whole head, so they fit. */
    if (kept == 0 && have > 0)
        memcpy(reader->head, data, have);
    reader->head_len = (uint8_t)have;
    return FS_WS_MORE;
}

int fs_ws_take(fs_ws_reader *reader, char *dst, const char *src, size_t len)
{
    int is_ascii = 1;
    if (dst != NULL)
        is_ascii = fs_unmask(dst, src, len, reader->key);
    reader->left -= len;
    if (reader->left > 0) {
        fs_key_advance(reader->key, len);
        return is_ascii;
    }
    reader->in_frame = 0;
    if (reader->fin && fs_ws_is_data(reader))
        reader->message = 0;
    return is_ascii;
}

size_t fs_ws_put_head(char *out, int opcode, int fin, int compressed, uint64_t len)
{
    uint8_t *head = (uint8_t *)out;
    size_t bytes = len < LENGTH_16 ? 0 : len <= 0xffff ? 2 : 8;
    head[0] = (uint8_t)((fin ? FIN : 0) | (compressed ? RSV1 : 0) | opcode);
    head[1] = bytes == 0 ? (uint8_t)len : bytes == 2 ? LENGTH_16 : LENGTH_64;
    for (size_t i = 0; i < bytes; i++)
        head[2 + i] = (uint8_t)(len >> 8 * (bytes - 1 - i));
    return 2 + bytes;
}

int fs_ws_close_code_is_valid(int code)
{
    if (code >= 3000 && code <= 4999)
        return 1;
    /* 1004 is reserved; 1005, 1006 and 1015 are for the receiver's own use. */
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014);
}
