/* cuts.h: does the answer depend on how the bytes were cut into reads? It must not. */
#ifndef FS_CUTS_H
#define FS_CUTS_H

#include <stdlib.h>

#include "check.h"
#include "transcript.h"

/* A string literal and its length, its NUL bytes included. */
#define BYTES(literal) (literal), sizeof(literal) - 1

static inline void check_same(const transcript *whole, const transcript *cut, size_t at)
{
    const char *difference = transcript_difference(whole, cut);
    const char *fault = cut->fault;
    if (!check_note(difference == NULL && fault == NULL, __FILE__, __LINE__))
        printf("cut at %zu: %s\nwhole:\n%scut:\n%s", at, fault != NULL ? fault : difference, whole->text, cut->text);
}

/* Byte by byte, with an empty feed before every byte. */
static inline transcript transcript_of_bytes(const transcript_options *options, const char *bytes, size_t len)
{
    size_t *cuts = malloc((2 * len + 1) * sizeof *cuts);
    if (cuts == NULL)
        abort();
    for (size_t i = 0; i < 2 * len; i++)
        cuts[i] = i / 2;
    transcript t = transcript_of(options, bytes, len, cuts, 2 * len);
    free(cuts);
    return t;
}

/* The transcript of the whole, after a check that byte by byte and a cut at every offset give the same. */
static inline transcript transcript_of_every_cut(const transcript_options *options, const char *bytes, size_t len)
{
    transcript whole = transcript_of(options, bytes, len, NULL, 0);
    check_same(&whole, &whole, 0);
    transcript single = transcript_of_bytes(options, bytes, len);
    check_same(&whole, &single, 1);
    transcript_free(&single);
    for (size_t at = 1; at < len; at++) {
        transcript cut = transcript_of(options, bytes, len, &at, 1);
        check_same(&whole, &cut, at);
        transcript_free(&cut);
    }
    return whole;
}

static inline void check_transcript(const transcript_options *options, const char *bytes, size_t len,
                                    const char *expected)
{
    transcript t = transcript_of_every_cut(options, bytes, len);
    CHECK_STR(expected, t.text);
    transcript_free(&t);
}

#endif
