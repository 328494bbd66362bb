// Repacking of GGUF blocks into panels, and back.
#include "half.h"
#include "quantized_layout.h"

size_t apus_block_bytes(apus_block_format format) {
    static const size_t bytes[] = {[APUS_Q4_0] = 18, [APUS_Q4_1] = 20, [APUS_Q8_0] = 34};
    return bytes[format];
}

size_t apus_panel_bytes(apus_block_format format, size_t blocks) {
    const size_t factors = APUS_PANEL_COLUMNS * sizeof(uint16_t) * (format == APUS_Q4_1 ? 2 : 1);
    return (blocks * (apus_panel_block_bytes(format) + factors) + 63) / 64 * 64;
}

void apus_pack_panel(apus_block_format format, const uint8_t *const rows[APUS_PANEL_COLUMNS], size_t blocks,
                     uint8_t *panel) {
    const size_t source_bytes = apus_block_bytes(format);
    const size_t header = format == APUS_Q4_1 ? 4 : 2;
    const size_t registers = apus_panel_block_bytes(format) / 64;
    // The bytes of a GGUF block are already in a panel's order: only the sign of Q8_0 has to change.
    const uint32_t flip = format == APUS_Q8_0 ? 0x80808080u : 0;
    uint8_t *scales = panel + blocks * apus_panel_block_bytes(format);
    uint8_t *minima = scales + blocks * APUS_PANEL_COLUMNS * 2;
    memset(panel, 0, apus_panel_bytes(format, blocks));
    for (size_t column = 0; column < APUS_PANEL_COLUMNS; column++) {
        if (!rows[column])
            continue;
        for (size_t b = 0; b < blocks; b++) {
            const uint8_t *source = rows[column] + b * source_bytes;
            memcpy(scales + (b * APUS_PANEL_COLUMNS + column) * 2, source, 2);
            if (format == APUS_Q4_1)
                memcpy(minima + (b * APUS_PANEL_COLUMNS + column) * 2, source + 2, 2);
            for (size_t r = 0; r < registers; r++) {
                uint32_t four;
                memcpy(&four, source + header + 4 * r, 4);
                four ^= flip;
                memcpy(panel + (b * registers + r) * 64 + column * 4, &four, 4);
            }
        }
    }
}

void apus_unpack_column(apus_block_format format, const uint8_t *panel, size_t blocks, size_t column, float *out) {
    const uint16_t *scales = apus_panel_scales(format, panel, blocks);
    const uint16_t *minima = apus_panel_minima(format, panel, blocks);
    const float zero = (float)apus_block_zero_point(format);
    const size_t registers = apus_panel_block_bytes(format) / 64;
    for (size_t b = 0; b < blocks; b++, out += APUS_BLOCK) {
        const float scale = apus_half_to_float(scales[b * APUS_PANEL_COLUMNS + column]);
        const float minimum = format == APUS_Q4_1 ? apus_half_to_float(minima[b * APUS_PANEL_COLUMNS + column]) : 0;
        for (size_t i = 0; i < registers * 4; i++) {
            const uint8_t byte = panel[(b * registers + i / 4) * 64 + column * 4 + i % 4];
            if (format == APUS_Q8_0) {
                out[i] = scale * ((float)byte - zero);
            } else {
                out[i] = scale * ((float)(byte & 15) - zero) + minimum;
                out[i + 16] = scale * ((float)(byte >> 4) - zero) + minimum;
            }
        }
    }
}
