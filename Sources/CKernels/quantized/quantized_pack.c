// Repacking of GGUF blocks into panels, and back.
#include "quantized_decode.h"

size_t apus_block_weights(apus_block_format format) { return apus_traits[format].weights; }

size_t apus_block_bytes(apus_block_format format) { return apus_traits[format].bytes; }

size_t apus_panel_bytes(apus_block_format format, size_t blocks) { return apus_packed_bytes(format, blocks); }

/// The 32 codes' bits from `first` on as the bytes of one column in a plane of `bits` bits.
APUS_INLINE void store_plane(const uint8_t codes[APUS_BLOCK], int first, int bits, size_t column, uint8_t *plane) {
    const int mask = (1 << bits) - 1;
    uint8_t bytes[APUS_BLOCK] = {0};
    for (int field = 0; field < 8 / bits; field++)
        for (int i = 0; i < 4 * bits; i++)
            bytes[i] |= (uint8_t)((codes[4 * bits * field + i] >> first & mask) << bits * field);
    for (int r = 0; r < bits; r++)
        memcpy(plane + r * 64 + column * 4, bytes + 4 * r, 4);
}

/// Adds the bits of one column in a plane to the codes, from bit `first` on.
APUS_INLINE void load_plane(const uint8_t *plane, int first, int bits, size_t column, uint8_t codes[APUS_BLOCK]) {
    const int mask = (1 << bits) - 1;
    for (int i = 0; i < APUS_BLOCK; i++) {
        const uint8_t byte = plane[i / 4 % bits * 64 + (int)column * 4 + i % 4];
        codes[i] |= (uint8_t)((byte >> bits * (i / 4 / bits) & mask) << first);
    }
}

/// Writes block `b` of a column to a panel.
APUS_INLINE void store_block(apus_block_format format, const decoded_block *block, size_t blocks, size_t b,
                             size_t column, uint8_t *panel) {
    const apus_block_traits traits = apus_traits[format];
    const apus_panel_view view = apus_view_panel(format, panel, blocks);
    uint8_t *codes = panel + b * apus_panel_block_bytes(format);
    store_plane(block->codes, 0, traits.low_bits, column, codes);
    if (traits.high_bits)
        store_plane(block->codes, traits.low_bits, traits.high_bits, column, codes + traits.low_bits * 64);
    for (int kind = 0; kind <= traits.has_minimum; kind++) {
        uint8_t *scales = panel + ((kind ? view.minima : view.scales) - panel);
        if (!apus_has_factors(format)) {
            memcpy(scales + (b * APUS_PANEL_COLUMNS + column) * 2, &block->factor[kind], 2);
            continue;
        }
        uint8_t *factors = panel + ((kind ? view.minimum_factors : view.scale_factors) - panel);
        memcpy(factors + (b / 8 * APUS_PANEL_COLUMNS + column) * 2, &block->factor[kind], 2);
        for (int part = 0; part < traits.parts; part++)
            scales[(b * traits.parts + (size_t)part) * APUS_PANEL_COLUMNS + column] = (uint8_t)block->steps[kind][part];
    }
}

/// Reads block `b` of a column of a panel.
APUS_INLINE void load_block(apus_block_format format, const uint8_t *panel, size_t blocks, size_t b, size_t column,
                            decoded_block *block) {
    const apus_block_traits traits = apus_traits[format];
    const apus_panel_view view = apus_view_panel(format, panel, blocks);
    const uint8_t *codes = panel + b * apus_panel_block_bytes(format);
    memset(block, 0, sizeof *block);
    load_plane(codes, 0, traits.low_bits, column, block->codes);
    if (traits.high_bits)
        load_plane(codes + traits.low_bits * 64, traits.low_bits, traits.high_bits, column, block->codes);
    for (int kind = 0; kind <= traits.has_minimum; kind++) {
        const uint8_t *scales = kind ? view.minima : view.scales;
        if (!apus_has_factors(format)) {
            memcpy(&block->factor[kind], scales + (b * APUS_PANEL_COLUMNS + column) * 2, 2);
            continue;
        }
        const uint8_t *factors = kind ? view.minimum_factors : view.scale_factors;
        memcpy(&block->factor[kind], factors + (b / 8 * APUS_PANEL_COLUMNS + column) * 2, 2);
        for (int part = 0; part < traits.parts; part++)
            block->steps[kind][part] = (int8_t)scales[(b * traits.parts + (size_t)part) * APUS_PANEL_COLUMNS + column];
    }
}

APUS_INLINE void pack_column(apus_block_format format, const uint8_t *row, size_t blocks, size_t column,
                             uint8_t *panel) {
    const size_t together = apus_traits[format].weights / APUS_BLOCK;
    for (size_t b = 0; b < blocks; b++) {
        decoded_block block;
        decode_block(format, row + b / together * apus_traits[format].bytes, b % together, &block);
        store_block(format, &block, blocks, b, column, panel);
    }
}

APUS_INLINE void unpack_column(apus_block_format format, const uint8_t *panel, size_t blocks, size_t column,
                               float *out) {
    for (size_t b = 0; b < blocks; b++) {
        decoded_block block;
        load_block(format, panel, blocks, b, column, &block);
        block_floats(format, &block, out + b * APUS_BLOCK);
    }
}

void apus_pack_panel(apus_block_format format, const uint8_t *const rows[APUS_PANEL_COLUMNS], size_t blocks,
                     uint8_t *panel) {
    memset(panel, 0, apus_packed_bytes(format, blocks));
    for (size_t column = 0; column < APUS_PANEL_COLUMNS; column++) {
        if (!rows[column])
            continue;
        switch (format) {
#define PACK(format)                                                                                                   \
    case format:                                                                                                       \
        pack_column(format, rows[column], blocks, column, panel);                                                      \
        break;
            APUS_EACH_FORMAT(PACK)
        }
    }
}

void apus_unpack_column(apus_block_format format, const uint8_t *panel, size_t blocks, size_t column, float *out) {
    switch (format) {
#define UNPACK(format)                                                                                                 \
    case format:                                                                                                       \
        unpack_column(format, panel, blocks, column, out);                                                             \
        break;
        APUS_EACH_FORMAT(UNPACK)
    }
}

void apus_convert_blocks(apus_block_format format, const uint8_t *bytes, size_t count, float *out) {
    for (size_t i = 0; i < count; i++, bytes += apus_traits[format].bytes) {
        for (size_t b = 0; b < apus_traits[format].weights / APUS_BLOCK; b++, out += APUS_BLOCK) {
            decoded_block block;
            decode_block(format, bytes, b, &block);
            block_floats(format, &block, out);
        }
    }
}
