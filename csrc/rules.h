/* rules.h: may this head be served, and how is its message framed?
 *
 * llhttp accepts what many servers accept. This file refuses what makes two servers disagree about where a request
 * ends, whom it is for, or what it says: RFC 9112 (3.2 target and Host, 6.1-6.3 framing, 9.3 persistence), RFC 9110
 * (5.5 field values, 7.2 Host, 10.1.1 Expect). It reads the recorded head only and depends on no parser state, so
 * that it can be tested with hand-made heads; the framing that llhttp follows is then compared with the verdict.
 */
#ifndef FS_RULES_H
#define FS_RULES_H

#include <stdint.h>

#include "head.h"
#include "parser.h"

typedef struct {
    uint16_t status;    /* 0: serve it; else the status of the answer */
    const char *reason; /* of a refusal, for the log */
    fs_span path;       /* of the target, without query */
    fs_span query;      /* after the '?', or empty */
    fs_span authority;  /* of an absolute-form target, or empty: it stands for Host (RFC 9112, 3.2.2) */
    uint64_t content_length;
    uint8_t has_content_length;
    uint8_t chunked;
    uint8_t keep_alive;
    uint8_t expects_continue;
    uint8_t upgrade; /* Connection: upgrade and an Upgrade field */
} fs_verdict;

/* Judges a head and sets the ids of its fields. `base` is what its offsets count from; method is llhttp's number. */
void fs_judge(const char *base, fs_head *head, int method, int http_major, int http_minor, fs_verdict *verdict);

/* The same for the head that the parser has just reported; refuses as well where llhttp would frame it otherwise. */
void fs_judge_parser(fs_parser *parser, fs_verdict *verdict);

#endif
