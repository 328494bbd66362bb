#ifndef APUS_WEBP_DECODER_H
#define APUS_WEBP_DECODER_H

#include <stddef.h>
#include <stdint.h>

/// How decoding ended.
enum {
    APUS_WEBP_DECODED = 0,
    /// The bitstream is damaged or not of this format.
    APUS_WEBP_CORRUPT = 1,
    /// The bitstream ends early.
    APUS_WEBP_TRUNCATED = 2,
    /// A callback asked to stop.
    APUS_WEBP_STOPPED = 3,
    /// There is no memory.
    APUS_WEBP_NO_MEMORY = 4,
};

/// Reads the size of a still image, the chunks `bytes[0..count)` of a WebP container: VP8L, or VP8 with an ALPH chunk
/// before it if there is one.
///
/// Returns APUS_WEBP_DECODED, APUS_WEBP_CORRUPT or APUS_WEBP_TRUNCATED.
int apus_webp_header(const uint8_t *bytes, size_t count, int *width, int *height);

/// Decodes the chunks of a still image with libwebp and gives its rows to `take_row` from the top down: `width` pixels
/// of RGBA, alpha not multiplied, 8 bits a sample. `pixels` has room for `width * height * 4` bytes.
///
/// Both callbacks return nonzero to go on. `may_continue` is asked between pieces of the bitstream.
int apus_webp_decode(const uint8_t *bytes, size_t count, int width, int height, uint8_t *pixels,
                     int (*may_continue)(void *context), int (*take_row)(void *context, const uint8_t *row),
                     void *context);

#endif
