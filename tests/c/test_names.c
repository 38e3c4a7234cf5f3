/* Which field name is this? Every name of the table, in any case, and nothing that is only near to one. */
#include <string.h>

#include "check.h"
#include "names.h"

enum { NAME_BYTES_MAX = 64 };

static const char *const texts[FS_NAME_COUNT] = {
    "",
#define X(symbol, text) text,
    FS_NAMES(X)
#undef X
};

static char upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

static int find(const char *name)
{
    return fs_name_find(name, strlen(name));
}

static void test_table(void)
{
    CHECK_INT(0, FS_NAME_UNKNOWN);
    CHECK_INT(0, fs_names[FS_NAME_UNKNOWN].len);
    CHECK(FS_NAME_COUNT <= 256); /* an id is kept in a byte */
    for (int id = 1; id < FS_NAME_COUNT; id++) {
        check_case = texts[id];
        CHECK_STR(texts[id], fs_names[id].text);
        CHECK_INT(strlen(texts[id]), fs_names[id].len);
        for (size_t i = 0; i < fs_names[id].len; i++)
            CHECK_INT(fs_lower[(uint8_t)texts[id][i]], texts[id][i]);
    }
}

static void test_every_case(void)
{
    for (int id = 1; id < FS_NAME_COUNT; id++) {
        char name[NAME_BYTES_MAX];
        size_t len = strlen(texts[id]);
        check_case = texts[id];
        CHECK_INT(id, find(texts[id]));
        for (size_t i = 0; i <= len; i++)
            name[i] = upper(texts[id][i]);
        CHECK_INT(id, find(name));
        for (size_t i = 0; i < len; i += 2)
            name[i] = texts[id][i];
        CHECK_INT(id, find(name));
        for (size_t i = 0; i < len; i++) {
            strcpy(name, texts[id]);
            name[i] = upper(name[i]);
            CHECK_INT(id, find(name));
        }
    }
}

static int is_known(const char *name, size_t len)
{
    for (int id = 1; id < FS_NAME_COUNT; id++)
        if (strlen(texts[id]) == len && memcmp(texts[id], name, len) == 0)
            return id;
    return FS_NAME_UNKNOWN;
}

/* A byte more, a byte less, and any byte changed. The byte that differs from '-' or a letter by 0x20 is one of them. */
static void test_near_misses(void)
{
    for (int id = 1; id < FS_NAME_COUNT; id++) {
        char name[NAME_BYTES_MAX];
        size_t len = strlen(texts[id]);
        check_case = texts[id];
        strcpy(name, texts[id]);
        CHECK_INT(is_known(name, len - 1), fs_name_find(name, len - 1));
        CHECK_INT(is_known(name + 1, len - 1), fs_name_find(name + 1, len - 1));
        name[len] = 's';
        CHECK_INT(is_known(name, len + 1), fs_name_find(name, len + 1));
        name[len] = '\0';
        CHECK_INT(FS_NAME_UNKNOWN, fs_name_find(name, len + 1));
        for (size_t i = 0; i < len; i++) {
            for (int byte = 0; byte < 256; byte++) {
                if (fs_lower[byte] == (uint8_t)texts[id][i])
                    continue;
                strcpy(name, texts[id]);
                name[i] = (char)byte;
                char lowered[NAME_BYTES_MAX];
                for (size_t k = 0; k < len; k++)
                    lowered[k] = (char)fs_lower[(uint8_t)name[k]];
                CHECK_INT(is_known(lowered, len), fs_name_find(name, len));
            }
        }
    }
}

static void test_lengths(void)
{
    char name[4096];
    memset(name, 'a', sizeof name);
    check_case = "lengths";
    for (size_t len = 0; len <= sizeof name; len++)
        CHECK_INT(FS_NAME_UNKNOWN, fs_name_find(name, len));
    /* A known name at the front of a longer one. */
    memcpy(name, "host", 4);
    CHECK_INT(FS_NAME_HOST, fs_name_find(name, 4));
    CHECK_INT(FS_NAME_UNKNOWN, fs_name_find(name, sizeof name));
}

static void test_lower(void)
{
    check_case = "lower";
    for (int byte = 0; byte < 256; byte++)
        CHECK_INT(byte >= 'A' && byte <= 'Z' ? byte - 'A' + 'a' : byte, fs_lower[byte]);
    CHECK(fs_equals_lower("HoSt", "host", 4));
    CHECK(fs_equals_lower("", "", 0));
    CHECK(!fs_equals_lower("hosT", "hose", 4));
    CHECK(!fs_equals_lower("\x10", "0", 1)); /* 0x20 apart, and no letters */
    CHECK(!fs_equals_lower("\xc8", "\xe8", 1));
}

int main(void)
{
    test_table();
    test_every_case();
    test_near_misses();
    test_lengths();
    test_lower();
    return check_end("test_names");
}
