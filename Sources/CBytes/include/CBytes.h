#pragma once
#include <stdint.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/// The one thing that Swift cannot do: which of 16 bytes equal `a` or `b`, one bit each, the first byte lowest. It is
/// inlined into its caller. With Swift's own vectors the field scanner needs 2.5 times the instructions.
static inline __attribute__((always_inline)) uint32_t cb_find16(const uint8_t *bytes, uint8_t a, uint8_t b) {
#if defined(__SSE2__)
    __m128i block = _mm_loadu_si128((const __m128i *)bytes);
    return (uint32_t)_mm_movemask_epi8(
        _mm_or_si128(_mm_cmpeq_epi8(block, _mm_set1_epi8((char)a)), _mm_cmpeq_epi8(block, _mm_set1_epi8((char)b))));
#else
    uint32_t found = 0;
    for (int i = 0; i < 16; i++) found |= (uint32_t)(bytes[i] == a || bytes[i] == b) << i;
    return found;
#endif
}

/// The same for 64 bytes.
static inline __attribute__((always_inline)) uint64_t cb_find64(const uint8_t *bytes, uint8_t a, uint8_t b) {
    uint64_t found = 0;
    for (int i = 0; i < 4; i++) found |= (uint64_t)cb_find16(bytes + 16 * i, a, b) << (16 * i);
    return found;
}
