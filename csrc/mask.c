#include "mask.h"

#include <string.h>

#define TOP_BITS 0x8080808080808080u

/* Below this, a call into wider code costs more than it saves. */
enum { WIDE_FROM_BYTES = 64 };

/* The last bytes, fewer than eight; `key` begins with the byte for the first of them. */
static uint8_t unmask_tail(uint8_t *dst, const uint8_t *src, size_t len, const uint8_t key[4])
{
    uint8_t all = 0;
    for (size_t i = 0; i < len; i++) {
        dst[i] = src[i] ^ key[i & 3];
        all |= dst[i];
    }
    return all;
}

static int unmask_portable(void *dst, const void *src, size_t len, const uint8_t key[4])
{
    uint8_t *out = dst;
    const uint8_t *in = src;
    uint64_t key8, all = 0;
    memcpy(&key8, key, 4);
    memcpy((char *)&key8 + 4, key, 4);
    size_t i = 0;
    for (; i + 8 <= len; i += 8) {
        uint64_t word;
        memcpy(&word, in + i, 8);
        word ^= key8;
        all |= word;
        memcpy(out + i, &word, 8);
    }
    all |= (uint64_t)unmask_tail(out + i, in + i, len - i, key);
    return (all & TOP_BITS) == 0;
}

#if defined(__SSE2__) || defined(_M_X64)
#define HAVE_SSE2 1
#include <emmintrin.h>

static int unmask_sse2(void *dst, const void *src, size_t len, const uint8_t key[4])
{
    uint8_t *out = dst;
    const uint8_t *in = src;
    int32_t key4;
    memcpy(&key4, key, 4);
    const __m128i key16 = _mm_set1_epi32(key4);
    __m128i all = _mm_setzero_si128();
    size_t i = 0;
    for (; i + 32 <= len; i += 32) {
        __m128i a = _mm_xor_si128(_mm_loadu_si128((const __m128i *)(in + i)), key16);
        __m128i b = _mm_xor_si128(_mm_loadu_si128((const __m128i *)(in + i + 16)), key16);
        all = _mm_or_si128(all, _mm_or_si128(a, b));
        _mm_storeu_si128((__m128i *)(out + i), a);
        _mm_storeu_si128((__m128i *)(out + i + 16), b);
    }
    int tail_is_ascii = unmask_portable(out + i, in + i, len - i, key);
    return _mm_movemask_epi8(all) == 0 && tail_is_ascii;
}
#endif

/* GCC and clang compile single functions for a processor that the rest does not ask for. */
#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#define HAVE_AVX2 1
#include <immintrin.h>

__attribute__((target("avx2"))) static int unmask_avx2(void *dst, const void *src, size_t len, const uint8_t key[4])
{
    uint8_t *out = dst;
    const uint8_t *in = src;
    int32_t key4;
    memcpy(&key4, key, 4);
    const __m256i key32 = _mm256_set1_epi32(key4);
    __m256i all = _mm256_setzero_si256();
    size_t i = 0;
    for (; i + 64 <= len; i += 64) {
        __m256i a = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)(in + i)), key32);
        __m256i b = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)(in + i + 32)), key32);
        all = _mm256_or_si256(all, _mm256_or_si256(a, b));
        _mm256_storeu_si256((__m256i *)(out + i), a);
        _mm256_storeu_si256((__m256i *)(out + i + 32), b);
    }
    int body_is_ascii = _mm256_movemask_epi8(all) == 0;
    int tail_is_ascii = unmask_portable(out + i, in + i, len - i, key);
    return body_is_ascii && tail_is_ascii;
}

static int has_avx2(void)
{
    return __builtin_cpu_supports("avx2") != 0;
}
#endif

#if defined(__ARM_NEON) || defined(__ARM_NEON__)
#define HAVE_NEON 1
#include <arm_neon.h>

static int unmask_neon(void *dst, const void *src, size_t len, const uint8_t key[4])
{
    uint8_t *out = dst;
    const uint8_t *in = src;
    uint32_t key4;
    memcpy(&key4, key, 4);
    const uint8x16_t key16 = vreinterpretq_u8_u32(vdupq_n_u32(key4));
    uint8x16_t all = vdupq_n_u8(0);
    size_t i = 0;
    for (; i + 32 <= len; i += 32) {
        uint8x16_t a = veorq_u8(vld1q_u8(in + i), key16);
        uint8x16_t b = veorq_u8(vld1q_u8(in + i + 16), key16);
        all = vorrq_u8(all, vorrq_u8(a, b));
        vst1q_u8(out + i, a);
        vst1q_u8(out + i + 16, b);
    }
    uint64x2_t words = vreinterpretq_u64_u8(all);
    uint64_t bits = (vgetq_lane_u64(words, 0) | vgetq_lane_u64(words, 1)) & TOP_BITS;
    int tail_is_ascii = unmask_portable(out + i, in + i, len - i, key);
    return bits == 0 && tail_is_ascii;
}
#endif

int fs_unmask(void *dst, const void *src, size_t len, const uint8_t key[4])
{
    if (len < WIDE_FROM_BYTES)
        return unmask_portable(dst, src, len, key);
#if defined(HAVE_AVX2)
    if (has_avx2())
        return unmask_avx2(dst, src, len, key);
#endif
#if defined(HAVE_SSE2)
    return unmask_sse2(dst, src, len, key);
#elif defined(HAVE_NEON)
    return unmask_neon(dst, src, len, key);
#else
    return unmask_portable(dst, src, len, key);
#endif
}

void fs_key_advance(uint8_t key[4], size_t len)
{
    uint8_t old[4];
    memcpy(old, key, 4);
    for (size_t i = 0; i < 4; i++)
        key[i] = old[(i + len) & 3];
}

const fs_unmasker *fs_unmaskers(size_t *count)
{
    static fs_unmasker all[] = {
        {"portable", unmask_portable, 1},
#if defined(HAVE_SSE2)
        {"sse2", unmask_sse2, 1},
#endif
#if defined(HAVE_NEON)
        {"neon", unmask_neon, 1},
#endif
#if defined(HAVE_AVX2)
        {"avx2", unmask_avx2, 0},
#endif
    };
    *count = sizeof all / sizeof all[0];
#if defined(HAVE_AVX2)
    all[*count - 1].available = has_avx2();
#endif
    return all;
}
