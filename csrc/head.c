#include "head.h"

#include <stdlib.h>
#include <string.h>

enum {
    FIELDS_FIRST = 32,
    POOL_MAX = 16,
};

static fs_head *pool;
static int pool_len;

/* ---- recorders ---- */

static fs_head *head_new(void)
{
    fs_head *head = malloc(sizeof *head);
    if (head == NULL)
        return NULL;
    head->fields = malloc(FIELDS_FIRST * sizeof *head->fields);
    if (head->fields == NULL) {
        free(head);
        return NULL;
    }
    head->field_cap = FIELDS_FIRST;
    return head;
}

static void head_free(fs_head *head)
{
    free(head->fields);
    free(head);
}

fs_head *fs_head_take(void)
{
    fs_head *head = pool;
    if (head != NULL) {
        pool = head->next;
        pool_len--;
    } else {
        head = head_new();
        if (head == NULL)
            return NULL;
    }
    head->target.off = head->target.len = 0;
    head->end = 0;
    head->field_count = 0;
    head->name_open = 0;
    return head;
}

void fs_head_give_back(fs_head *head)
{
    if (pool_len < POOL_MAX) {
        head->next = pool;
        pool = head;
        pool_len++;
    } else {
        head_free(head);
    }
}

void fs_head_pool_clear(void)
{
    while (pool != NULL) {
        fs_head *head = pool;
        pool = head->next;
        head_free(head);
    }
    pool_len = 0;
}

/* ---- what they note ---- */

/* Appends a fragment to a span. Fragments of one element adjoin; a gap means that llhttp joined lines. */
static int extend(fs_span *span, fs_span fragment, fs_refusal *refusal)
{
    if (span->len == 0)
        span->off = fragment.off;
    else if (span->off + span->len != fragment.off)
        return fs_refuse(refusal, 400, "folded header line");
    span->len += fragment.len;
    return 0;
}

static uint32_t target_end(const fs_head *head)
{
    return head->target.off + head->target.len;
}

int fs_head_check_bytes(const fs_head *head, const fs_limits *limits, uint32_t end, fs_refusal *refusal)
{
    if (end - target_end(head) > limits->header_bytes_max)
        return fs_refuse(refusal, 431, "header section too large");
    return 0;
}

int fs_head_check_count(const fs_head *head, const fs_limits *limits, fs_refusal *refusal)
{
    if (head->field_count >= limits->header_count_max)
        return fs_refuse(refusal, 431, "too many header fields");
    return 0;
}

int fs_head_add_target(fs_head *head, const fs_limits *limits, uint32_t off, size_t len, fs_refusal *refusal)
{
    int error = extend(&head->target, (fs_span){off, (uint32_t)len}, refusal);
    if (error == 0 && target_end(head) > limits->request_line_bytes_max)
        error = fs_refuse(refusal, 414, "request target too long");
    return error;
}

static int begin_field(fs_head *head, const fs_limits *limits, fs_span name, fs_refusal *refusal)
{
    if (fs_head_check_count(head, limits, refusal))
        return -1;
    if (head->field_count == head->field_cap) {
        fs_field *grown = realloc(head->fields, 2 * head->field_cap * sizeof *grown);
        if (grown == NULL)
            return fs_refuse(refusal, 503, "out of memory");
        head->fields = grown;
        head->field_cap *= 2;
    }
    head->fields[head->field_count++] = (fs_field){.name = name};
    head->name_open = 1;
    return 0;
}

int fs_head_add_name(fs_head *head, const fs_limits *limits, uint32_t off, size_t len, fs_refusal *refusal)
{
    fs_span name = {off, (uint32_t)len};
    if (!head->name_open) {
        if (begin_field(head, limits, name, refusal))
            return -1;
    } else if (extend(&head->fields[head->field_count - 1].name, name, refusal)) {
        return -1;
    }
    return fs_head_check_bytes(head, limits, off + (uint32_t)len, refusal);
}

int fs_head_add_value(fs_head *head, const fs_limits *limits, uint32_t off, size_t len, fs_refusal *refusal)
{
    if (extend(&head->fields[head->field_count - 1].value, (fs_span){off, (uint32_t)len}, refusal))
        return -1;
    return fs_head_check_bytes(head, limits, off + (uint32_t)len, refusal);
}
