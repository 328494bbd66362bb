// Attention over pages of floats: `kv_attention_body.h` includes this once for 16 bits and once for 32. A page holds
// keys, [head_size][16 positions], then values, [16 positions][head_size].
//
// The including file defines
//   ELEMENT, NAME(f)       uint16_t or float, and the name of function f for this type
//   LOAD(const ELEMENT *), STORE(ELEMENT *, float16v)      16 of them as fp32

/// The sums of a span for up to QUERIES queries, and the queries, interleaved and scaled.
typedef struct NAME(span_work) {
    float16v maximum[QUERIES]; // the same in all lanes
    float16v weight[QUERIES];  // by index in the page
    float queries[APUS_KV_MAX_HEAD][QUERIES];
    float values[QUERIES][APUS_KV_MAX_HEAD];
} NAME(span_work);

INLINE ELEMENT *NAME(page_at)(const apus_kv_pages *pages, size_t index) {
    return (ELEMENT *)((char *)pages->base + (size_t)pages->table[index] * pages->stride);
}

/// Scores a page with queries `first`..<`first` + `count` and turns the scores of the `visible` positions to weights,
/// relative to the new maxima. `decay` receives the factors for the sums so far. `next` is the page to prefetch.
INLINE void NAME(weigh_page)(NAME(span_work) * work, size_t first, int count, const ELEMENT *keys, const ELEMENT *next,
                             size_t head_size, int visible, float16v weights[QUERIES], float16v decay[QUERIES]) {
    static const int16v places = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    for (int i = 0; i < count; i++)
        weights[i] = splat(0);
    for (size_t d = 0; d < head_size; d++) {
        // A page has 32 numbers for each element of the head: one or two lines of the cache.
        if (count <= FEW_QUERIES)
            for (size_t line = 0; line < 32; line += 64 / sizeof(ELEMENT))
                __builtin_prefetch(next + d * 32 + line, 0, 2);
        const float16v key = LOAD(keys + d * APUS_KV_PAGE);
        for (int i = 0; i < count; i++)
            weights[i] = fma16(key, splat(work->queries[d][first + i]), weights[i]);
    }
    for (int i = 0; i < count; i++) {
        float16v score = weights[i];
        if (visible < APUS_KV_PAGE)
            score = select16(places < visible, score, splat(-INFINITY));
        const float16v before = work->maximum[first + i];
        const float16v now = max16(before, splat(largest(score)));
        weights[i] = exp2_16(score - now);
        decay[i] = splat(1);
        if (now[0] != before[0])
            decay[i] = exp2_16(before - now);
        work->maximum[first + i] = now;
        work->weight[first + i] = fma16(work->weight[first + i], decay[i], weights[i]);
    }
}

/// Adds one page to the sums of queries `first`..<`first` + `count`; inlined with a constant `count`.
INLINE void NAME(attend_page)(NAME(span_work) * work, size_t first, int count, const ELEMENT *page, const ELEMENT *next,
                              size_t head_size, int visible) {
    float16v weights[QUERIES], decay[QUERIES];
    NAME(weigh_page)(work, first, count, page, next, head_size, visible, weights, decay);
    float by_position[APUS_KV_PAGE * QUERIES];
    for (int i = 0; i < count; i++) {
        store16(by_position + i * APUS_KV_PAGE, weights[i]);
    }
    const ELEMENT *values = page + head_size * APUS_KV_PAGE;
    for (size_t d = 0; d < head_size; d += 16) {
        float16v sums[QUERIES];
        for (int i = 0; i < count; i++)
            sums[i] = load16(work->values[first + i] + d) * decay[i];
        for (int p = 0; p < visible; p++) {
            const float16v value = LOAD(values + (size_t)p * head_size + d);
            for (int i = 0; i < count; i++)
                sums[i] = fma16(value, splat(by_position[i * APUS_KV_PAGE + p]), sums[i]);
        }
        for (int i = 0; i < count; i++)
            store16(work->values[first + i] + d, sums[i]);
    }
}

/// Attends to all pages of one span that query `count` - 1, which sees most, can see. Pages that all queries see
/// completely are read once for all; other pages are processed for each query alone, by the same steps.
INLINE void NAME(attend_span)(NAME(span_work) * work, const size_t *limits, int count, const apus_kv_pages *pages,
                              size_t span, apus_attention_state *states) {
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
        const ELEMENT *page = NAME(page_at)(pages, index), *next = NAME(page_at)(pages, ahead);
        if (position + APUS_KV_PAGE <= limits[0]) {
            NAME(attend_page)(work, 0, count, page, next, head_size, APUS_KV_PAGE);
            continue;
        }
        for (int i = 0; i < count; i++) {
            if (limits[i] <= position)
                continue;
            const size_t visible = limits[i] - position;
            NAME(attend_page)(work, (size_t)i, 1, page, next, head_size,
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
        NAME(attend_span)(&work, limits, n, pages, span, states);                                                      \
        break;

static void NAME(attend)(const float *const *queries, const size_t *limits, size_t count, float scale,
                         const apus_kv_pages *pages, size_t first_span, size_t end_span, apus_attention_state *states) {
    NAME(span_work) work;
    for (size_t i = 0; i < count; i++)
        for (size_t d = 0; d < pages->head_size; d++)
            work.queries[d][i] = queries[i][d] * (scale * LOG2_E);
    for (size_t span = first_span; span < end_span; span++) {
        switch (count) { ATTEND_SPANS }
    }
}

#undef ATTEND_SPAN

/// The keys of up to 16 positions of one page, transposed 16 elements at a time.
static void NAME(store_keys)(const float *keys, size_t stride, size_t count, size_t head_size, ELEMENT *page) {
    for (size_t d = 0; d < head_size; d += 16) {
        ELEMENT rows[APUS_KV_PAGE][16];
        for (size_t p = 0; p < count; p++)
            STORE(rows[p], load16(keys + p * stride + d));
        for (size_t i = 0; i < 16; i++)
            for (size_t p = 0; p < count; p++)
                page[(d + i) * APUS_KV_PAGE + p] = rows[p][i];
    }
}

static void NAME(store)(const float *keys, const float *values, size_t stride, size_t start, size_t count,
                        const apus_kv_pages *pages) {
    const size_t head_size = pages->head_size;
    while (count > 0) {
        const size_t place = start % APUS_KV_PAGE;
        const size_t here = count < APUS_KV_PAGE - place ? count : APUS_KV_PAGE - place;
        ELEMENT *page = NAME(page_at)(pages, start / APUS_KV_PAGE);
        NAME(store_keys)(keys, stride, here, head_size, page + place);
        ELEMENT *row = page + (APUS_KV_PAGE + place) * head_size;
        for (size_t p = 0; p < here; p++, row += head_size)
            for (size_t d = 0; d < head_size; d += 16)
                STORE(row + d, load16(values + p * stride + d));
        keys += here * stride;
        values += here * stride;
        start += here;
        count -= here;
    }
}
