#ifndef APUS_PNG_DECODER_H
#define APUS_PNG_DECODER_H

#include <stddef.h>
#include <stdint.h>

/// How decoding ended.
enum {
    APUS_PNG_DECODED = 0,
    /// The stream is damaged.
    APUS_PNG_CORRUPT = 1,
    /// A callback asked to stop.
    APUS_PNG_STOPPED = 2,
};

/// Decodes the PNG stream `bytes[0..count)` with libpng and gives its rows to `take_row` from the top down, 8 bits a
/// sample.
///
/// Palette images give one channel, the indexes. All others give grey, grey and alpha, RGB or RGBA: samples below
/// 8 bits are scaled up, those of 16 bits are rounded to the nearest of v / 257, and a tRNS colour becomes alpha.
/// libpng reports errors by longjmp, which must not cross Swift frames: it ends here.
///
/// `samples` is room for one row, or for all rows of an interlaced image, exactly: `capacity` is compared before
/// anything is written. Both callbacks return nonzero to go on; `may_continue` is asked between the rows of passes.
///
/// Returns one of the values above; for APUS_PNG_CORRUPT with libpng's own words, zero-terminated, in `message`.
int apus_png_decode(const uint8_t *bytes, size_t count, uint8_t *samples, size_t capacity,
                    int (*may_continue)(void *context), int (*take_row)(void *context, const uint8_t *row),
                    void *context, char *message, size_t message_capacity);

#endif
