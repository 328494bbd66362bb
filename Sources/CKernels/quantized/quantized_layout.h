// The layout of a panel.
#pragma once

#include "apus_quantized.h"

/// The unsigned stored weight that means zero; 0 for Q4_1, which has a minimum instead.
static inline int32_t apus_block_zero_point(apus_block_format format) {
    return format == APUS_Q8_0 ? 128 : format == APUS_Q4_0 ? 8 : 0;
}

static inline size_t apus_panel_block_bytes(apus_block_format format) {
    return format == APUS_Q8_0 ? APUS_PANEL_COLUMNS * 32 : APUS_PANEL_COLUMNS * 16;
}

static inline const uint16_t *apus_panel_scales(apus_block_format format, const uint8_t *panel, size_t blocks) {
    return (const uint16_t *)(panel + blocks * apus_panel_block_bytes(format));
}

static inline const uint16_t *apus_panel_minima(apus_block_format format, const uint8_t *panel, size_t blocks) {
    return apus_panel_scales(format, panel, blocks) + blocks * APUS_PANEL_COLUMNS;
}

/// The distance at which a pass over few rows, which needs weights as fast as memory delivers them, prefetches.
#define APUS_STREAM_DISTANCE (16 << 10)

/// Prefetches `count` bytes into the second-level cache: only its queue is long enough to hide the memory's latency.
static inline __attribute__((always_inline)) void apus_prefetch(const uint8_t *bytes, size_t count) {
    for (size_t line = 0; line < count; line += 64)
        __builtin_prefetch(bytes + line, 0, 2);
}
