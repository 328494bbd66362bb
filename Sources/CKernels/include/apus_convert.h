// Conversion of stored elements to fp32. Exact, but for the addition of a minimum, which rounds as ggml's does.
#pragma once

#include "apus_quantized.h"

/// IEEE half precision.
void apus_convert_f16(const uint8_t *bytes, size_t count, float *out);

/// The upper half of an fp32 number.
void apus_convert_bf16(const uint8_t *bytes, size_t count, float *out);

/// `count` GGUF blocks.
void apus_convert_blocks(apus_block_format format, const uint8_t *bytes, size_t count, float *out);
