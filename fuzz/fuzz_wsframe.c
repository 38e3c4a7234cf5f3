/* Does what a client's frames say depend on how they were cut into reads?
 *
 * Invariants, on any bytes and cuts:
 * - the frames, their payloads and the error are the same whole, in pieces, and byte by byte;
 * - what is read lies within the bytes given, and all of them are used unless the protocol is broken;
 * - a frame of a control opcode is final and has at most 125 bytes; a continuation stands only within a message;
 * - fs_ws_put_head writes a head that says the same again (with the mask bit and a key put in).
 *
 * Input: one byte: bit 0 whether compression was negotiated, the others for the cuts; then what the client sends.
 */
#include <string.h>

#include "fuzz.h"
#include "wsframe.h"

enum { RECORD_MAX = 1 << 16 };

typedef struct {
    uint8_t bytes[RECORD_MAX];
    size_t len;
} record;

static void put(record *out, const void *bytes, size_t len)
{
    if (len > RECORD_MAX - out->len)
        len = RECORD_MAX - out->len;
    if (len > 0)
        memcpy(out->bytes + out->len, bytes, len);
    out->len += len;
}

static void check_head(const fs_ws_reader *frame)
{
    char head[FS_WS_HEAD_BYTES_MAX];
    fs_ws_reader again;
    size_t used;
    size_t len = fs_ws_put_head(head, frame->opcode, frame->fin, 0, frame->left);
    head[1] = (char)(head[1] | 0x80);
    memcpy(head + len, frame->key, 4);
    fs_ws_reader_init(&again, 0);
    again.message = frame->opcode == FS_WS_CONTINUATION ? frame->message : 0;
    REQUIRE(fs_ws_read_head(&again, head, len + 4, &used) == FS_WS_HEAD && used == len + 4);
    REQUIRE(again.opcode == frame->opcode && again.fin == frame->fin && again.left == frame->left);
    REQUIRE(memcmp(again.key, frame->key, 4) == 0);
}

/* Whether the client may go on. */
static int feed(fs_ws_reader *reader, record *out, const char *bytes, size_t len)
{
    size_t at = 0;
    while (at < len) {
        if (!reader->in_frame) {
            size_t used = 0;
            uint8_t before = reader->message;
            fs_ws_event event = fs_ws_read_head(reader, bytes + at, len - at, &used);
            REQUIRE(used <= len - at);
            at += used;
            if (event == FS_WS_ERROR) {
                put(out, reader->error, strlen(reader->error));
                return 0;
            }
            if (event == FS_WS_MORE) {
                REQUIRE(at == len);
                return 1;
            }
            REQUIRE(reader->opcode < FS_WS_CLOSE || (reader->fin && reader->left <= FS_WS_CONTROL_BYTES_MAX));
            REQUIRE(reader->opcode != FS_WS_CONTINUATION || before != 0);
            check_head(reader);
            uint8_t head[4] = {reader->opcode, reader->fin, reader->message, reader->compressed};
            put(out, head, sizeof head);
            put(out, &reader->left, sizeof reader->left);
        }
        size_t part = reader->left < len - at ? (size_t)reader->left : len - at;
        char *payload = exact_block(part);
        fs_ws_take(reader, payload, bytes + at, part);
        put(out, payload, part);
        free(payload);
        at += part;
    }
    return 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static record whole, pieces, single;
    if (size < 1)
        return 0;
    const char *bytes = (const char *)data + 1;
    size_t len = size - 1, cuts[64], from = 0;
    int may_compress = data[0] & 1;
    fs_ws_reader reader;

    whole.len = pieces.len = single.len = 0;
    fs_ws_reader_init(&reader, may_compress);
    feed(&reader, &whole, bytes, len);

    size_t count = choose_cuts(data[0] >> 1, len, cuts, 64);
    fs_ws_reader_init(&reader, may_compress);
    for (size_t i = 0; i <= count; i++) {
        size_t to = i < count ? cuts[i] : len;
        char *piece = exact_block(to - from);
        memcpy(piece, bytes + from, to - from);
        int goes_on = feed(&reader, &pieces, piece, to - from);
        free(piece);
        if (!goes_on)
            break;
        from = to;
    }
    REQUIRE(pieces.len == whole.len && memcmp(pieces.bytes, whole.bytes, whole.len) == 0);

    fs_ws_reader_init(&reader, may_compress);
    for (size_t at = 0; at < len && feed(&reader, &single, bytes + at, 1); at++)
        ;
    REQUIRE(single.len == whole.len && memcmp(single.bytes, whole.bytes, whole.len) == 0);
    return 0;
}
