// Stored elements to fp32. Used at load time, where the compiler's own vectorisation is fast enough.
#include "apus_convert.h"
#include "half.h"

void apus_convert_f16(const uint8_t *bytes, size_t count, float *out) {
    for (size_t i = 0; i < count; i++) {
        uint16_t half;
        memcpy(&half, bytes + 2 * i, sizeof half);
        out[i] = apus_half_to_float(half);
    }
}

void apus_convert_bf16(const uint8_t *bytes, size_t count, float *out) {
    for (size_t i = 0; i < count; i++) {
        uint16_t upper;
        memcpy(&upper, bytes + 2 * i, sizeof upper);
        out[i] = apus_float_from_bits((uint32_t)upper << 16);
    }
}

static inline float half_at(const uint8_t *bytes) {
    uint16_t half;
    memcpy(&half, bytes, sizeof half);
    return apus_half_to_float(half);
}

static void convert_nibbles(const uint8_t *nibbles, float scale, float zero, float minimum, float *out) {
    for (size_t i = 0; i < 16; i++) {
        out[i] = scale * ((float)(nibbles[i] & 15) - zero) + minimum;
        out[i + 16] = scale * ((float)(nibbles[i] >> 4) - zero) + minimum;
    }
}

void apus_convert_blocks(apus_block_format format, const uint8_t *bytes, size_t blocks, float *out) {
    for (size_t b = 0; b < blocks; b++, bytes += apus_block_bytes(format), out += APUS_BLOCK) {
        const float scale = half_at(bytes);
        switch (format) {
        case APUS_Q4_0:
            convert_nibbles(bytes + 2, scale, 8, 0, out);
            break;
        case APUS_Q4_1:
            convert_nibbles(bytes + 4, scale, 0, half_at(bytes + 2), out);
            break;
        case APUS_Q8_0:
            for (size_t i = 0; i < APUS_BLOCK; i++)
                out[i] = scale * (float)(int8_t)bytes[2 + i];
            break;
        }
    }
}
