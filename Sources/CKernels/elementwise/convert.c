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
