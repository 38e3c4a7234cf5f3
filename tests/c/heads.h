/* heads.h: heads made by hand, for what llhttp would not let through, or to see the rules alone. */
#ifndef FS_HEADS_H
#define FS_HEADS_H

#include <stdlib.h>
#include <string.h>

#include "head.h"
#include "llhttp.h"
#include "rules.h"

enum { MADE_FIELDS_MAX = 16 };

typedef struct {
    const char *name;
    const char *value;
    size_t name_len; /* 0: strlen */
    size_t value_len;
} made_field;

typedef struct {
    int method; /* llhttp's number; its name is written into the head */
    const char *target;
    size_t target_len; /* 0: strlen */
    int major;
    int minor;
    const made_field *fields;
    size_t field_count;
} made_head;

static inline fs_span made_put(char *base, size_t *len, const char *bytes, size_t count)
{
    fs_span span = {(uint32_t)*len, (uint32_t)count};
    memcpy(base + *len, bytes, count);
    *len += count;
    return span;
}

static inline size_t made_len(const char *text, size_t len)
{
    return len > 0 ? len : strlen(text);
}

/* Writes the head and judges it. The block is as large as the head, so that a sanitizer sees a byte read behind it. */
static inline fs_verdict judge_made(const made_head *made)
{
    fs_field fields[MADE_FIELDS_MAX] = {0};
    char text[8192];
    size_t len = (size_t)sprintf(text, "%s ", llhttp_method_name((llhttp_method_t)made->method));
    fs_head head = {.fields = fields, .field_cap = MADE_FIELDS_MAX, .field_count = (uint32_t)made->field_count};
    head.target = made_put(text, &len, made->target, made_len(made->target, made->target_len));
    len += (size_t)sprintf(text + len, " HTTP/%d.%d\r\n", made->major, made->minor);
    for (size_t i = 0; i < made->field_count; i++) {
        const made_field *field = &made->fields[i];
        fields[i].name = made_put(text, &len, field->name, made_len(field->name, field->name_len));
        made_put(text, &len, ":", 1);
        fields[i].value = made_put(text, &len, field->value, made_len(field->value, field->value_len));
        made_put(text, &len, "\r\n", 2);
    }
    made_put(text, &len, "\r\n", 2);
    head.end = (uint32_t)len;
    char *base = malloc(len);
    if (base == NULL)
        abort();
    memcpy(base, text, len);
    fs_verdict verdict;
    fs_judge(base, &head, made->method, made->major, made->minor, &verdict);
    free(base);
    return verdict;
}

#endif
