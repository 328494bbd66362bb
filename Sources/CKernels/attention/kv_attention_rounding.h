// Shared by attention over integers of all sizes: the state of a call, and rounding.

enum {
    CHUNK = 64, // positions that are weighed together
    CHUNK_PAGES = CHUNK / APUS_KV_PAGE,
    LANES = 16, // lanes of a vector: more than QUERIES
};

// Vectors of products that a query sums at once: more for fewer queries, to keep the processor equally busy.
#define MOST_TOGETHER 4
#define TOGETHER(count) ((count) * 4 <= QUERIES ? 4 : (count) * 2 <= QUERIES ? 2 : 1)

/// The queries of a call, and their sums over a span.
typedef struct integer_work {
    float maximum[LANES];     // logarithms to base 2, like all scores
    float16v weight[QUERIES]; // by index in the page
    float values[QUERIES][APUS_KV_MAX_HEAD];
    int16_t queries[QUERIES][APUS_KV_MAX_HEAD];
    float query_scale[QUERIES];
    // Of one chunk:
    float scores[QUERIES][CHUNK];
    int16_t weights[QUERIES][CHUNK];
    float decay[LANES], gain[LANES]; // factors of the sums so far, and of the chunk's
} integer_work;

// Below this the inverse of a scale overflows; such small numbers count as zero.
#define SMALLEST_PEAK 0x1p-100f

/// 16 elements times `factor`, rounded to integers.
INLINE short16v round16(float16v v, float factor) {
    const float16v rounder = splat(0x1.8p23f); // adding this rounds to an integer
    return __builtin_convertvector(bits16(fma16(v, splat(factor), rounder)) - bits16(rounder), short16v);
}

/// Rounds elements, whose magnitudes are at most `peak`, to multiples of `peak` / `parts`.
INLINE void round_wide(const float *from, size_t count, float peak, float parts, int16_t *to) {
    const float inverse = peak > SMALLEST_PEAK ? parts / peak : 0;
    for (size_t i = 0; i < count; i += 16) {
        const short16v rounded = round16(load16(from + i), inverse);
        memcpy(to + i, &rounded, sizeof rounded);
    }
}

/// The largest score of the first `visible` positions of a chunk. Masks the scores after them.
INLINE float mask_scores(float *scores, int visible) {
    static const int16v places = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    float16v most = splat(-INFINITY);
    for (int p = 0; p < CHUNK; p += APUS_KV_PAGE) {
        float16v score = load16(scores + p);
        if (visible < CHUNK) {
            score = select16(places + p < visible, score, splat(-INFINITY));
            store16(scores + p, score);
        }
        most = max16(score, most);
    }
    return largest(most);
}

/// The largest magnitude of `count` elements; NaN if one of them is not finite.
static float largest_magnitude(const float *from, size_t count) {
    float16v most = splat(0), check = splat(0);
    for (size_t i = 0; i < count; i += 16) {
        const float16v v = load16(from + i);
        most = max16(max16(v, -v), most);
        check += v * splat(0);
    }
    return total(check) == 0 ? largest(most) : NAN;
}
