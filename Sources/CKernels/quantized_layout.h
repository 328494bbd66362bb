// Where the parts of a panel are.
#pragma once

#include "apus_quantized.h"

static inline size_t apus_panel_block_bytes(apus_block_format format) {
    return format == APUS_Q8_0 ? APUS_PANEL_COLUMNS * 32 : APUS_PANEL_COLUMNS * 16;
}

static inline const uint16_t *apus_panel_scales(apus_block_format format, const uint8_t *panel, size_t blocks) {
    return (const uint16_t *)(panel + blocks * apus_panel_block_bytes(format));
}

static inline const uint16_t *apus_panel_minima(apus_block_format format, const uint8_t *panel, size_t blocks) {
    return apus_panel_scales(format, panel, blocks) + blocks * APUS_PANEL_COLUMNS;
}

/// Asks for the bytes that a pass over consecutive panels uses one block's share of a panel at a time, some 16 KiB
/// before their turn, into the second-level cache: its queue is the one that is long enough to hide the memory's
/// latency.
static inline __attribute__((always_inline)) void apus_prefetch_block(apus_block_format format, const uint8_t *panel,
                                                                      size_t block) {
    const size_t share = apus_panel_block_bytes(format) + (format == APUS_Q4_1 ? 64 : 32);
    const uint8_t *ahead = panel + block * share + (16 << 10);
    for (size_t line = 0; line < share; line += 64)
        __builtin_prefetch(ahead + line, 0, 2);
}
