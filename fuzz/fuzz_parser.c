/* Does the parser see the same messages, wherever the reads were cut?
 *
 * Invariants, on any bytes, under tight, middling and wide limits:
 * - fed whole, byte by byte, or in the cuts that the input chooses, the bytes give the same events, the same spans, the
 *   same body and the same status of an error, chunk framing and trailers included;
 * - every span lies inside its head, the head ends where the consumed bytes do, and parser.base holds its bytes;
 * - body bytes lie in the bytes fed or in the parser's own memory, and no message has more fields than the limit;
 * - an error has a status and a reason, no event follows it, and nothing leaks.
 *
 * Input: a byte for the cuts, a byte for the limits, the bytes of the connection.
 */
#include "fuzz.h"
#include "transcript.h"

enum { CUTS_MAX = 256 };

static const fs_limits limits[] = {
    {24, 64, 3, 4},
    {256, 1024, 32, 64},
    {65536, 65536, 256, 4096},
};

static void require_same(const transcript *whole, const transcript *cut)
{
    const char *difference = transcript_difference(whole, cut);
    if (difference != NULL || cut->fault != NULL)
        fprintf(stderr, "%s\nwhole:\n%scut:\n%s", cut->fault != NULL ? cut->fault : difference, whole->text, cut->text);
    REQUIRE(difference == NULL && cut->fault == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    const char *bytes = (const char *)data + 2;
    size_t len = size - 2;
    transcript_options options = {.limits = &limits[data[1] % 3]};
    transcript whole = transcript_of(&options, bytes, len, NULL, 0);
    require_same(&whole, &whole);

    size_t cuts[CUTS_MAX];
    size_t count = choose_cuts(data[0], len, cuts, CUTS_MAX);
    transcript cut = transcript_of(&options, bytes, len, cuts, count);
    require_same(&whole, &cut);
    transcript_free(&cut);

    size_t *every = (size_t *)exact_block(len * sizeof *every);
    for (size_t i = 0; i < len; i++)
        every[i] = i;
    transcript single = transcript_of(&options, bytes, len, every, len);
    require_same(&whole, &single);
    transcript_free(&single);
    free(every);
    transcript_free(&whole);
    return 0;
}
