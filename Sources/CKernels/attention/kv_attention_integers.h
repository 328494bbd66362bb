// Attention over pages of integers: `kv_attention_body.h` includes this once for 16 bits and once for 8. A page with
// `head_size` elements per position holds
//
//   keys     [head_size / 2][16 positions][2]
//   values   [16 / 2 positions][head_size][2]
//   scales   of the 16 keys; the logarithms to base 2 of those of the values; their inverses; fp32
//
// A query is rounded to integers, so that its scores are exact dot products times two scales. 64 positions form a
// chunk: their weights, times the scales of the values, are rounded to multiples of some thousandth of the chunk's
// largest, so that the sums of values are exact too. (Coarser rounding would lose the positions beside a first token
// that gets most of the attention.) The scales are added to the scores as logarithms, so that the largest weight is
// known to be 1 before it is computed. Only the softmax and the merging of chunks use fp32.
//
// The including file defines
//   ELEMENT                int16_t or int8_t
//   NAME(f)                the name of function f for this type
//   LARGEST_ELEMENT, LARGEST_QUERY, LARGEST_WEIGHT     magnitudes: neither 256 products of elements of keys and queries
//                          nor 64 of values and weights overflow 32 bits
//   LOAD(const ELEMENT *)  32 of them as a wide32, integers of 16 bits
//   wide32, int16v dot_pairs(int16v sums, wide32 pairs, const int16_t *two)    sums + pairs [16][2] times two

/// The pages of a chunk, each with the page at the same index in the next chunk, or itself in the last chunk.
typedef struct NAME(chunk) {
    const ELEMENT *page[CHUNK_PAGES], *next[CHUNK_PAGES];
    int count;
} NAME(chunk);

INLINE ELEMENT *NAME(page_at)(const apus_kv_pages *pages, size_t index) {
    return (ELEMENT *)((char *)pages->base + (size_t)pages->table[index] * pages->stride);
}

INLINE float *NAME(key_scales)(const ELEMENT *page, size_t head_size) {
    return (float *)(page + 2 * head_size * APUS_KV_PAGE);
}

INLINE float *NAME(value_logarithms)(const ELEMENT *page, size_t head_size) {
    return NAME(key_scales)(page, head_size) + APUS_KV_PAGE;
}

INLINE float *NAME(inverse_scales)(const ELEMENT *page, size_t head_size) {
    return NAME(key_scales)(page, head_size) + 2 * APUS_KV_PAGE;
}

/// Loads from a page of a chunk. Few queries use a page faster than memory delivers it: each load also prefetches the
/// same offset in the next chunk, which keeps memory busy all the time.
INLINE wide32 NAME(load)(const ELEMENT *page, const ELEMENT *next, size_t offset, int count) {
    if (count <= FEW_QUERIES)
        __builtin_prefetch(next + offset, 0, 3);
    return LOAD(page + offset);
}

/// The scores of `together` pages, from page `p` of a chunk on, each plus the logarithm of its value's scale.
INLINE void NAME(score_pages)(integer_work *work, size_t first, int count, const NAME(chunk) * chunk, int p,
                              int together, size_t head_size) {
    int16v dots[MOST_TOGETHER][QUERIES];
    for (int t = 0; t < together; t++)
        for (int i = 0; i < count; i++)
            dots[t][i] = (int16v)0;
    for (size_t d = 0; d < head_size; d += 2)
        for (int t = 0; t < together; t++) {
            const wide32 keys = NAME(load)(chunk->page[p + t], chunk->next[p + t], d * APUS_KV_PAGE, count);
            for (int i = 0; i < count; i++)
                dots[t][i] = dot_pairs(dots[t][i], keys, work->queries[first + i] + d);
        }
    for (int t = 0; t < together; t++) {
        if (count <= FEW_QUERIES)
            for (size_t scales = 0; scales < 3; scales++)
                __builtin_prefetch(NAME(key_scales)(chunk->next[p + t], head_size) + scales * APUS_KV_PAGE, 0, 2);
        const float16v scales = load16(NAME(key_scales)(chunk->page[p + t], head_size));
        const float16v logarithms = load16(NAME(value_logarithms)(chunk->page[p + t], head_size));
        for (int i = 0; i < count; i++)
            store16(work->scores[first + i] + (p + t) * APUS_KV_PAGE,
                    fma16(__builtin_convertvector(dots[t][i], float16v), scales * splat(work->query_scale[first + i]),
                          logarithms));
    }
}

/// The scores of a chunk's positions, including those that a query does not see.
INLINE void NAME(score_chunk)(integer_work *work, size_t first, int count, const NAME(chunk) * chunk,
                              size_t head_size) {
    int p = 0;
    for (; p + TOGETHER(count) <= chunk->count; p += TOGETHER(count))
        NAME(score_pages)(work, first, count, chunk, p, TOGETHER(count), head_size);
    for (; p < chunk->count; p++)
        NAME(score_pages)(work, first, count, chunk, p, 1, head_size);
}

/// Turns a query's scores to rounded weights relative to the largest score, `local`.
///
/// - Returns: the sums of the weights without the scales of the values, by index in the page.
INLINE float16v NAME(round_weights)(const float *scores, float local, const NAME(chunk) * chunk, size_t head_size,
                                    int16_t *weights) {
    float16v sums = splat(0);
    for (int p = 0; p < CHUNK_PAGES; p++) {
        const float16v weight = exp2_16(load16(scores + p * APUS_KV_PAGE) - splat(local));
        const float16v inverse = load16(NAME(inverse_scales)(chunk->page[p < chunk->count ? p : 0], head_size));
        // A position that no query sees may have any scale; a NaN value makes the weight a NaN.
        sums += select16(weight > splat(0), weight * inverse, weight);
        const short16v rounded = round16(weight, LARGEST_WEIGHT);
        memcpy(weights + p * APUS_KV_PAGE, &rounded, sizeof rounded);
    }
    return sums;
}

/// Turns the scores of a chunk to weights, for each query over the positions that it sees. All queries take each step
/// before the next one begins, so that the processor has independent work.
INLINE void NAME(weigh_chunk)(integer_work *work, size_t first, int count, const size_t *limits,
                              const NAME(chunk) * chunk, size_t position, size_t head_size) {
    float16v locals = splat(-INFINITY);
    for (int i = 0; i < count; i++) {
        const size_t visible = limits[first + i] - position;
        locals[first + i] = mask_scores(work->scores[first + i], visible < CHUNK ? (int)visible : CHUNK);
    }
    const float16v before = load16(work->maximum), now = max16(locals, before);
    const float16v decay = exp2_16(before - now), gain = exp2_16(locals - now);
    store16(work->maximum, now);
    store16(work->decay, decay);
    store16(work->gain, gain * splat(1.0f / LARGEST_WEIGHT));
    for (int i = 0; i < count; i++) {
        const size_t query = first + i;
        const float16v sums =
            NAME(round_weights)(work->scores[query], locals[query], chunk, head_size, work->weights[query]);
        work->weight[query] = fma16(sums, splat(gain[query]), work->weight[query] * splat(decay[query]));
    }
}

/// Adds a chunk's values to `together` vectors of the sums, from element `d` on.
INLINE void NAME(add_elements)(integer_work *work, size_t first, int count, const NAME(chunk) * chunk, size_t d,
                               int together, size_t head_size) {
    int16v sums[MOST_TOGETHER][QUERIES];
    for (int t = 0; t < together; t++)
        for (int i = 0; i < count; i++)
            sums[t][i] = (int16v)0;
    for (int p = 0; p < chunk->count; p++) {
        size_t values = head_size * APUS_KV_PAGE + d * 2;
        // Not unrolled: the weights of all steps together would not fit the registers.
#pragma clang loop unroll(disable)
        for (int two = p * APUS_KV_PAGE; two < (p + 1) * APUS_KV_PAGE; two += 2, values += head_size * 2)
            for (int t = 0; t < together; t++) {
                const wide32 pairs = NAME(load)(chunk->page[p], chunk->next[p], values + t * 32, count);
                for (int i = 0; i < count; i++)
                    sums[t][i] = dot_pairs(sums[t][i], pairs, work->weights[first + i] + two);
            }
    }
    for (int t = 0; t < together; t++)
        for (int i = 0; i < count; i++) {
            float *target = work->values[first + i] + d + t * 16;
            const float16v added = __builtin_convertvector(sums[t][i], float16v);
            store16(target, fma16(added, splat(work->gain[first + i]), load16(target) * work->decay[first + i]));
        }
}

/// Adds a chunk's values to the sums.
INLINE void NAME(add_values)(integer_work *work, size_t first, int count, const NAME(chunk) * chunk, size_t head_size) {
    size_t d = 0;
    for (; d + TOGETHER(count) * 16 <= head_size; d += TOGETHER(count) * 16)
        NAME(add_elements)(work, first, count, chunk, d, TOGETHER(count), head_size);
    for (; d < head_size; d += 16)
        NAME(add_elements)(work, first, count, chunk, d, 1, head_size);
}

/// Adds the chunk at `position` to the sums of queries `first`..<`first` + `count`, all of which see part of it;
/// inlined with a constant `count`.
INLINE void NAME(attend_chunk)(integer_work *work, size_t first, int count, const size_t *limits,
                               const NAME(chunk) * chunk, size_t position, size_t head_size) {
    NAME(score_chunk)(work, first, count, chunk, head_size);
    NAME(weigh_chunk)(work, first, count, limits, chunk, position, head_size);
    NAME(add_values)(work, first, count, chunk, head_size);
}

/// The pages of the chunk at `position` in a sequence of `end` positions.
INLINE NAME(chunk) NAME(chunk_at)(const apus_kv_pages *pages, size_t position, size_t end) {
    const size_t index = position / APUS_KV_PAGE, last = (end - 1) / APUS_KV_PAGE;
    NAME(chunk) chunk = {.count = 0};
    for (; chunk.count < CHUNK_PAGES && index + chunk.count <= last; chunk.count++) {
        const size_t here = index + chunk.count, ahead = here + CHUNK_PAGES;
        chunk.page[chunk.count] = NAME(page_at)(pages, here);
        chunk.next[chunk.count] = NAME(page_at)(pages, ahead <= last ? ahead : here);
    }
    return chunk;
}

/// Attends to all chunks of one span that query `count` - 1, which sees most, can see. Chunks that all queries see at
/// least partly are read once for all; other chunks are processed for each query alone, by the same steps.
INLINE void NAME(attend_span)(integer_work *work, const size_t *limits, int count, const apus_kv_pages *pages,
                              size_t span, apus_attention_state *states) {
    const size_t head_size = pages->head_size;
    store16(work->maximum, splat(-INFINITY));
    for (int i = 0; i < count; i++) {
        work->weight[i] = splat(0);
        memset(work->values[i], 0, head_size * sizeof(float));
    }
    const size_t start = span * APUS_KV_SPAN, most = limits[count - 1];
    const size_t end = most < start + APUS_KV_SPAN ? most : start + APUS_KV_SPAN;
    for (size_t position = start; position < end; position += CHUNK) {
        const NAME(chunk) chunk = NAME(chunk_at)(pages, position, most);
        if (position < limits[0]) {
            NAME(attend_chunk)(work, 0, count, limits, &chunk, position, head_size);
            continue;
        }
        for (int i = 0; i < count; i++)
            if (position < limits[i])
                NAME(attend_chunk)(work, (size_t)i, 1, limits, &chunk, position, head_size);
    }
    for (int i = 0; i < count; i++) {
        if (limits[i] <= start)
            continue;
        apus_attention_state seen;
        memcpy(seen.values, work->values[i], head_size * sizeof(float));
        seen.weight = total(work->weight[i]);
        seen.maximum = work->maximum[i];
        merge(states + i, &seen, head_size);
    }
}

/// Rounds `count` elements to multiples of the returned scale. Zeros get a scale with an inverse too.
static float NAME(round)(const float *from, size_t count, ELEMENT *to) {
    int16_t wide[APUS_KV_MAX_HEAD];
    const float peak = largest_magnitude(from, count);
    round_wide(from, count, peak, LARGEST_ELEMENT, wide);
    for (size_t i = 0; i < count; i++)
        to[i] = (ELEMENT)wide[i];
    return peak <= SMALLEST_PEAK ? SMALLEST_PEAK : peak / LARGEST_ELEMENT;
}

#define ATTEND_SPAN(n)                                                                                                 \
    case n:                                                                                                            \
        NAME(attend_span)(&work, limits, n, pages, span, states);                                                      \
        break;

static void NAME(attend)(const float *const *queries, const size_t *limits, size_t count, float scale,
                         const apus_kv_pages *pages, size_t first_span, size_t end_span, apus_attention_state *states) {
    integer_work work;
    for (size_t i = 0; i < count; i++) {
        const float peak = largest_magnitude(queries[i], pages->head_size);
        round_wide(queries[i], pages->head_size, peak, LARGEST_QUERY, work.queries[i]);
        work.query_scale[i] = peak / LARGEST_QUERY * (scale * LOG2_E);
    }
    for (size_t span = first_span; span < end_span; span++) {
        switch (count) { ATTEND_SPANS }
    }
}

#undef ATTEND_SPAN

static void NAME(store)(const float *keys, const float *values, size_t stride, size_t start, size_t count,
                        const apus_kv_pages *pages) {
    const size_t head_size = pages->head_size;
    for (size_t i = 0; i < count; i++, keys += stride, values += stride) {
        ELEMENT *page = NAME(page_at)(pages, (start + i) / APUS_KV_PAGE);
        const size_t place = (start + i) % APUS_KV_PAGE;
        ELEMENT elements[APUS_KV_MAX_HEAD];
        NAME(key_scales)(page, head_size)[place] = NAME(round)(keys, head_size, elements);
        for (size_t d = 0; d < head_size; d += 2)
            memcpy(page + d * APUS_KV_PAGE + place * 2, elements + d, 2 * sizeof(ELEMENT));
        const float scale = NAME(round)(values, head_size, elements);
        NAME(value_logarithms)(page, head_size)[place] = log2f(scale);
        NAME(inverse_scales)(page, head_size)[place] = 1 / scale;
        ELEMENT *target = page + head_size * APUS_KV_PAGE + place / 2 * 2 * head_size + place % 2;
        for (size_t d = 0; d < head_size; d++)
            target[d * 2] = elements[d];
    }
}
