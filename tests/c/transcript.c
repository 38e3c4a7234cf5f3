#include "transcript.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const transcript_options *options;
    const char *bytes;  /* all of them */
    size_t taken;       /* how many the parser has consumed */
    size_t message_off; /* where the current message begins */
    int last_message;   /* the verdict on it closes the connection */
    int closed;
    fs_parser parser;
    FILE *text;
    FILE *spans;
    FILE *body;
    transcript *out;
} recorder;

static void put_bytes(FILE *to, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)bytes[i];
        if (c >= 0x20 && c < 0x7f)
            putc(c, to);
        else
            fprintf(to, "\\x%02x", c);
    }
}

static void fault(recorder *r, const char *what)
{
    if (r->out->fault == NULL)
        r->out->fault = what;
}

static int outside(fs_span span, uint32_t end)
{
    return span.off > end || span.len > end - span.off;
}

static void put_span(recorder *r, fs_span span)
{
    if (outside(span, r->parser.head->end)) {
        fault(r, "a span outside of the head");
        return;
    }
    put_bytes(r->text, r->parser.base + span.off, span.len);
    fprintf(r->spans, "%u+%u ", span.off, span.len);
}

static void record_verdict(recorder *r)
{
    fs_verdict verdict;
    fs_judge_parser(&r->parser, &verdict);
    r->last_message = !verdict.keep_alive;
    if (verdict.status != 0) {
        r->out->status = verdict.status;
        r->out->reason = verdict.reason;
        fprintf(r->text, "  %d %s\n", verdict.status, verdict.reason);
        return;
    }
    fputs("  path=", r->text);
    put_span(r, verdict.path);
    fputs(" query=", r->text);
    put_span(r, verdict.query);
    if (verdict.authority.len > 0) {
        fputs(" authority=", r->text);
        put_span(r, verdict.authority);
    }
    if (verdict.has_content_length)
        fprintf(r->text, " length=%llu", (unsigned long long)verdict.content_length);
    fputs(verdict.chunked ? " chunked" : "", r->text);
    fputs(verdict.expects_continue ? " expects-continue" : "", r->text);
    fputs(verdict.upgrade ? " upgrade" : "", r->text);
    fputs("\n", r->text);
    if (r->options->on_served != NULL)
        r->options->on_served(&r->parser, &verdict);
}

static void record_head(recorder *r, int at_end)
{
    const fs_parser *parser = &r->parser;
    const fs_head *head = parser->head;
    if (head->end != r->taken - r->message_off)
        fault(r, "the head does not end where the consumed bytes do");
    else if (memcmp(parser->base, r->bytes + r->message_off, head->end) != 0)
        fault(r, "base does not hold the head's bytes");
    if (head->field_count > r->options->limits->header_count_max)
        fault(r, "more fields than header_count_max");
    fprintf(r->text, "%s ", llhttp_method_name((llhttp_method_t)parser->http.method));
    put_span(r, head->target);
    fprintf(r->text, " HTTP/%d.%d", parser->http.http_major, parser->http.http_minor);
    for (uint32_t i = 0; i < head->field_count; i++) {
        fputs(" {", r->text);
        put_span(r, head->fields[i].name);
        fputs(": ", r->text);
        put_span(r, head->fields[i].value);
        fputs("}", r->text);
    }
    fprintf(r->text, " @%u%s\n", head->end, at_end ? " end" : "");
    if (r->options->judged)
        record_verdict(r);
}

/* Body bytes lie in the piece just fed, or in the parser's own memory. */
static void record_body(recorder *r, const char *piece, size_t len)
{
    const fs_parser *parser = &r->parser;
    if (parser->body.len == 0)
        return;
    int in_piece = parser->body.data >= piece && parser->body.data + parser->body.len <= piece + len;
    int gathered = parser->body.data == parser->body.gathered && parser->body.len <= parser->body.gathered_cap;
    if (!in_piece && !gathered)
        fault(r, "a body outside of the bytes fed");
    fwrite(parser->body.data, 1, parser->body.len, r->body);
}

static void forget_body(recorder *r)
{
    fclose(r->body);
    free(r->out->body);
    r->body = open_memstream(&r->out->body, &r->out->body_len);
}

static void end_message(recorder *r)
{
    r->message_off = r->taken;
    if (r->last_message && r->out->status == 0) {
        r->closed = 1;
        fputs("closed\n", r->text);
    }
}

static void record_end(recorder *r)
{
    fflush(r->body);
    fputs("end \"", r->text);
    put_bytes(r->text, r->out->body, r->out->body_len);
    fputs("\"\n", r->text);
    forget_body(r);
}

static void record_error(recorder *r)
{
    fs_parser *parser = &r->parser;
    r->out->status = parser->refusal.status;
    r->out->reason = parser->refusal.reason;
    fprintf(r->text, "%d\n", parser->refusal.status);
    if (parser->refusal.status < 400 || parser->refusal.status > 599 || parser->refusal.reason == NULL)
        fault(r, "an error without a status or a reason");
    if (parser->body.len != 0)
        fault(r, "a body together with an error");
    static const char good[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    size_t consumed;
    if (fs_parser_feed(parser, good, sizeof good - 1, &consumed) != FS_ERROR)
        fault(r, "an event after an error");
}

/* One piece, until all of it is consumed or an error stops it. */
static void feed_piece(recorder *r, const char *piece, size_t len)
{
    size_t at = 0;
    fs_event event;
    do {
        size_t consumed = 0;
        event = fs_parser_feed(&r->parser, piece + at, len - at, &consumed);
        if (consumed > len - at || (event == FS_MORE && consumed != len - at))
            fault(r, "consumed too much, or too little");
        record_body(r, piece + at, len - at);
        at += consumed;
        r->taken += consumed;
        switch (event) {
        case FS_MORE:
            return;
        case FS_HEAD:
            record_head(r, 0);
            fs_parser_release_head(&r->parser);
            break;
        case FS_HEAD_END:
            record_head(r, 1);
            fs_parser_release_head(&r->parser);
            end_message(r);
            break;
        case FS_END:
            record_end(r);
            fs_parser_release_body(&r->parser);
            end_message(r);
            break;
        case FS_ERROR:
            record_error(r);
            break;
        }
        /* Behind a head that nobody judged, no byte at all can be an error: llhttp frames no coding but chunked. */
    } while ((at < len || event == FS_HEAD) && r->out->status == 0 && !r->closed);
}

static void feed_copy(recorder *r, const char *bytes, size_t len)
{
    char *piece = malloc(len > 0 ? len : 1);
    if (piece == NULL)
        abort();
    memcpy(piece, bytes, len);
    feed_piece(r, piece, len);
    free(piece);
}

transcript transcript_of(const transcript_options *options, const char *bytes, size_t len, const size_t *cuts,
                         size_t cut_count)
{
    transcript out = {0};
    size_t ignored;
    recorder r = {.options = options, .bytes = bytes, .out = &out};
    r.text = open_memstream(&out.text, &ignored);
    r.spans = open_memstream(&out.spans, &ignored);
    r.body = open_memstream(&out.body, &out.body_len);
    fs_parser_init(&r.parser, options->limits);
    size_t at = 0;
    for (size_t i = 0; i < cut_count && out.status == 0 && !r.closed; i++) {
        feed_copy(&r, bytes + at, cuts[i] - at);
        at = cuts[i];
    }
    if (out.status == 0 && !r.closed)
        feed_copy(&r, bytes + at, len - at);
    if (out.status == 0 && !r.closed)
        fputs(r.parser.in_body || fs_parser_head_begun(&r.parser) ? "more\n" : "idle\n", r.text);
    fs_parser_destroy(&r.parser);
    fclose(r.text);
    fclose(r.spans);
    fclose(r.body);
    return out;
}

void transcript_free(transcript *t)
{
    free(t->text);
    free(t->spans);
    free(t->body);
    memset(t, 0, sizeof *t);
}

const char *transcript_difference(const transcript *a, const transcript *b)
{
    size_t common = a->body_len < b->body_len ? a->body_len : b->body_len;
    if (strcmp(a->text, b->text) != 0)
        return "text";
    if (strcmp(a->spans, b->spans) != 0)
        return "spans";
    if (memcmp(a->body, b->body, common) != 0 || (a->status == 0 && a->body_len != b->body_len))
        return "body";
    return NULL;
}

const char *transcript_last(const transcript *t)
{
    static char line[256];
    size_t end = strlen(t->text);
    size_t start = end > 0 ? end - 1 : 0;
    while (start > 0 && t->text[start - 1] != '\n')
        start--;
    snprintf(line, sizeof line, "%.*s", (int)(end - start - 1), t->text + start);
    return line;
}
