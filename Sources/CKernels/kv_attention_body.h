// Paged attention over vectors of 16 floats; compiled once an instruction set, inside its `target` attribute.
//
// The including file defines QUERIES, how many queries share the reading of a page, and
//   float16v fma16(float16v a, float16v b, float16v c)     a * b + c
//   float16v load_halves(const uint16_t *)                 16 halves to fp32
//   void store_halves(uint16_t *, float16v)                16 fp32 to halves
#include <math.h>

#include "apus_kv_attention.h"

/// e^x for x <= 0, to 2 units in the last place; exactly 0 below -87, where the result would soon be subnormal.
///
/// x = n ln 2 + r with |r| <= ln 2 / 2, ln 2 in two parts so that r is exact; then Cephes' polynomial for e^r.
INLINE float16v exp16(float16v x) {
    const int16v vanishes = x < splat(-87);
    const float16v rounder = splat(0x1.8p23f); // adding it rounds to an integer
    const float16v shifted = fma16(x, splat(0x1.715476p+0f), rounder);
    const float16v n = shifted - rounder;
    const float16v r = fma16(n, splat(0x1.bd0106p-13f), fma16(n, splat(-0x1.63p-1f), x));
    float16v p = splat(1.9875691500e-4f);
    p = fma16(p, r, splat(1.3981999507e-3f));
    p = fma16(p, r, splat(8.3334519073e-3f));
    p = fma16(p, r, splat(4.1665795894e-2f));
    p = fma16(p, r, splat(1.6666665459e-1f));
    p = fma16(p, r, splat(5.0000001201e-1f));
    p = fma16(p, r * r, r) + splat(1);
    // p's exponent grows by n; where x vanishes n is nonsense, so is the product, and neither is used.
    const uint16v exponent = (__builtin_convertvector(bits16(shifted) - bits16(rounder), uint16v) + 127) << 23;
    const float16v power = from_bits16(__builtin_convertvector(exponent, int16v));
    return from_bits16(bits16(p * power) & ~vanishes);
}

/// The largest element, in all places.
INLINE float16v largest(float16v v) {
    v = max16(v, __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
    v = max16(v, __builtin_shufflevector(v, v, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11));
    v = max16(v, __builtin_shufflevector(v, v, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13));
    return max16(v, __builtin_shufflevector(v, v, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14));
}

/// The sum of all elements, by halves.
INLINE float total(float16v v) {
    v += __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7);
    v += __builtin_shufflevector(v, v, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11);
    v += __builtin_shufflevector(v, v, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);
    return v[0] + v[1];
}

// So few queries use keys and values faster than they come from memory: it pays to ask for them early, into the
// second-level cache, which has the longer queue.
#define FEW_QUERIES 6
// How many pages early.
#define PAGES_AHEAD 2

/// A span's sums of up to QUERIES queries, and the queries, interleaved and scaled.
typedef struct span_work {
    float16v maximum[QUERIES]; // the same in all places
    float16v weight[QUERIES];  // by place in the page
    float queries[APUS_KV_MAX_HEAD][QUERIES];
    float values[QUERIES][APUS_KV_MAX_HEAD];
} span_work;

/// Scores a page with queries `first`..<`first` + `count` and turns the scores of the `visible` positions to weights,
/// relative to the new maxima; `decay` is what the sums so far are multiplied by. `next` will be read soon.
INLINE void weigh_page(span_work *work, size_t first, int count, const uint16_t *keys, const uint16_t *next,
                       size_t head_size, int visible, float16v weights[QUERIES], float16v decay[QUERIES]) {
    static const int16v places = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    for (int i = 0; i < count; i++)
        weights[i] = splat(0);
    for (size_t d = 0; d < head_size; d++) {
        // A page has as many lines of 64 bytes as its head has elements.
        if (count <= FEW_QUERIES)
            __builtin_prefetch(next + d * 32, 0, 2);
        const float16v key = load_halves(keys + d * APUS_KV_PAGE);
        for (int i = 0; i < count; i++)
            weights[i] = fma16(key, splat(work->queries[d][first + i]), weights[i]);
    }
    for (int i = 0; i < count; i++) {
        float16v score = weights[i];
        if (visible < APUS_KV_PAGE)
            score = select16(places < visible, score, splat(-INFINITY));
        const float16v before = work->maximum[first + i];
        const float16v now = max16(before, largest(score));
        weights[i] = exp16(score - now);
        decay[i] = splat(1);
        if (now[0] != before[0])
            decay[i] = exp16(before - now);
        work->maximum[first + i] = now;
        work->weight[first + i] = fma16(work->weight[first + i], decay[i], weights[i]);
    }
}

/// Adds one page to the sums of queries `first`..<`first` + `count`; inlined with a constant `count`.
INLINE void attend_page(span_work *work, size_t first, int count, const uint16_t *page, const uint16_t *next,
                        size_t head_size, int visible) {
    float16v weights[QUERIES], decay[QUERIES];
    weigh_page(work, first, count, page, next, head_size, visible, weights, decay);
    float by_position[APUS_KV_PAGE * QUERIES];
    for (int i = 0; i < count; i++)
        store16(by_position + i * APUS_KV_PAGE, weights[i]);
    const uint16_t *values = page + head_size * APUS_KV_PAGE;
    for (size_t d = 0; d < head_size; d += 16) {
        float16v sums[QUERIES];
        for (int i = 0; i < count; i++)
            sums[i] = load16(work->values[first + i] + d) * decay[i];
        for (int p = 0; p < visible; p++) {
            const float16v value = load_halves(values + (size_t)p * head_size + d);
            for (int i = 0; i < count; i++)
                sums[i] = fma16(value, splat(by_position[i * APUS_KV_PAGE + p]), sums[i]);
        }
        for (int i = 0; i < count; i++)
            store16(work->values[first + i] + d, sums[i]);
    }
}

static void merge(apus_attention_state *state, const apus_attention_state *later, size_t head_size) {
    if (later->weight == 0)
        return;
    if (state->weight == 0) {
        memcpy(state->values, later->values, head_size * sizeof(float));
        state->weight = later->weight;
        state->maximum = later->maximum;
        return;
    }
    const float maximum = state->maximum > later->maximum ? state->maximum : later->maximum;
    const float16v old = exp16(splat(state->maximum - maximum)), new = exp16(splat(later->maximum - maximum));
    for (size_t d = 0; d < head_size; d += 16)
        store16(state->values + d, fma16(load16(later->values + d), new, load16(state->values + d) * old));
    state->weight = later->weight * new[0] + state->weight *old[0];
    state->maximum = maximum;
}

INLINE uint16_t *page_at(const apus_kv_pages *pages, size_t index) {
    return pages->base + (size_t)pages->table[index] * pages->stride;
}

/// All pages of one span that query `count` - 1, which sees most, can see. Pages that all queries see whole are shared;
/// of the others each query gets its own part, by the same steps.
INLINE void attend_span(span_work *work, const size_t *limits, int count, const apus_kv_pages *pages, size_t span,
                        apus_attention_state *states) {
    const size_t head_size = pages->head_size;
    for (int i = 0; i < count; i++) {
        work->maximum[i] = splat(-INFINITY);
        work->weight[i] = splat(0);
        memset(work->values[i], 0, head_size * sizeof(float));
    }
    const size_t start = span * APUS_KV_SPAN;
    const size_t most = limits[count - 1];
    const size_t end = most < start + APUS_KV_SPAN ? most : start + APUS_KV_SPAN;
    const size_t last = (most - 1) / APUS_KV_PAGE;
    for (size_t position = start; position < end; position += APUS_KV_PAGE) {
        const size_t index = position / APUS_KV_PAGE;
        const size_t ahead = index + PAGES_AHEAD < last ? index + PAGES_AHEAD : last;
        const uint16_t *page = page_at(pages, index), *next = page_at(pages, ahead);
        if (position + APUS_KV_PAGE <= limits[0]) {
            attend_page(work, 0, count, page, next, head_size, APUS_KV_PAGE);
            continue;
        }
        for (int i = 0; i < count; i++) {
            if (limits[i] <= position)
                continue;
            const size_t visible = limits[i] - position;
            attend_page(work, (size_t)i, 1, page, next, head_size,
                        visible < APUS_KV_PAGE ? (int)visible : APUS_KV_PAGE);
        }
    }
    for (int i = 0; i < count; i++) {
        if (limits[i] <= start)
            continue;
        apus_attention_state seen;
        memcpy(seen.values, work->values[i], head_size * sizeof(float));
        seen.weight = total(work->weight[i]);
        seen.maximum = work->maximum[i][0];
        merge(states + i, &seen, head_size);
    }
}

#define ATTEND_SPAN(n)                                                                                                 \
    case n:                                                                                                            \
        attend_span(&work, limits, n, pages, span, states);                                                            \
        break;

static void attend(const float *const *queries, const size_t *limits, size_t count, float scale,
                   const apus_kv_pages *pages, size_t first_span, size_t end_span, apus_attention_state *states) {
    span_work work;
    for (size_t i = 0; i < count; i++)
        for (size_t d = 0; d < pages->head_size; d++)
            work.queries[d][i] = queries[i][d] * scale;
    for (size_t span = first_span; span < end_span; span++) {
        switch (count) {
            ATTEND_SPAN(1)
            ATTEND_SPAN(2)
            ATTEND_SPAN(3)
#if QUERIES >= 6
            ATTEND_SPAN(4)
            ATTEND_SPAN(5)
            ATTEND_SPAN(6)
#endif
#if QUERIES >= 12
            ATTEND_SPAN(7)
            ATTEND_SPAN(8)
            ATTEND_SPAN(9)
            ATTEND_SPAN(10)
            ATTEND_SPAN(11)
            ATTEND_SPAN(12)
#endif
        }
    }
}

static void finish(const apus_attention_state *state, size_t head_size, float *out) {
    for (size_t d = 0; d < head_size; d++)
        out[d] = state->values[d] / state->weight;
}

/// The keys of up to 16 positions of one page, transposed 16 elements at a time.
static void store_keys(const float *keys, size_t stride, size_t count, size_t head_size, uint16_t *page) {
    for (size_t d = 0; d < head_size; d += 16) {
        uint16_t halves[APUS_KV_PAGE][16];
        for (size_t p = 0; p < count; p++)
            store_halves(halves[p], load16(keys + p * stride + d));
        for (size_t i = 0; i < 16; i++)
            for (size_t p = 0; p < count; p++)
                page[(d + i) * APUS_KV_PAGE + p] = halves[p][i];
    }
}

static void store(const float *keys, const float *values, size_t stride, size_t start, size_t count,
                  const apus_kv_pages *pages) {
    const size_t head_size = pages->head_size;
    while (count > 0) {
        const size_t place = start % APUS_KV_PAGE;
        const size_t here = count < APUS_KV_PAGE - place ? count : APUS_KV_PAGE - place;
        uint16_t *page = page_at(pages, start / APUS_KV_PAGE);
        store_keys(keys, stride, here, head_size, page + place);
        uint16_t *row = page + (APUS_KV_PAGE + place) * head_size;
        for (size_t p = 0; p < here; p++, row += head_size)
            for (size_t d = 0; d < head_size; d += 16)
                store_halves(row + d, load16(values + p * stride + d));
        keys += here * stride;
        values += here * stride;
        start += here;
        count -= here;
    }
}
