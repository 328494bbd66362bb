#ifndef APUS_PNG_DECODER_H
#define APUS_PNG_DECODER_H

#include <stddef.h>
#include <stdint.h>

/// Decodes the PNG stream `bytes[0..count)` with libpng into `samples[height][width][channels]`, 8 bits a sample.
///
/// Palette pictures give one channel, the indexes. All others give grey, grey and alpha, RGB or RGBA: samples below
/// 8 bits are scaled up, those of 16 bits are rounded to the nearest of v / 257, and a tRNS colour becomes alpha.
/// libpng reports errors by longjmp, which must not cross Swift frames: it ends here.
///
/// `samples` must hold exactly height * width * channels bytes: `capacity` is compared before anything is written.
/// Returns 0, or 1 with libpng's own words, zero-terminated, in `message`.
int apus_png_decode(const uint8_t *bytes, size_t count, uint8_t *samples, size_t capacity, char *message,
                    size_t message_capacity);

#endif
